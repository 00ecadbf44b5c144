// The days of a camera: which is today, and from when to when there is footage.

import { attributes } from './service.js';
import { ago, clock } from './times.js';

const { zone } = document.querySelector('main').dataset;
const today = clock(Date.now(), zone, 0).slice(0, 10);
document.querySelector(`.month time[datetime="${today}"]`)?.parentElement.setAttribute('aria-current', 'date');

const state = document.querySelector('.state');
try {
  const told = await attributes('./', 'first', 'last', 'error');
  if (told.error) {
    state.textContent = told.error;
  } else if (told.last) {
    const age = ago(Math.max(0, Date.now() - Date.parse(told.last)));
    state.textContent = `From ${clock(Date.parse(told.first), zone, 0)} to ${clock(Date.parse(told.last), zone, 0)} (${zone}), ${age} ago.`;
  }
} catch (e) {
  state.textContent = e.message;
  state.classList.add('wrong');
}
