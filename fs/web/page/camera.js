// The days of a camera as months.

import { attributes } from './service.js';
import { ago, clock } from './times.js';

const main = document.querySelector('main');
const days = new Map();
for (const a of document.querySelectorAll('.days a')) {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(a.textContent);
  if (match) {
    days.set(match.slice(1).join('-'), a.href);
  }
}

// month makes the table of a month, "2024-01".
function month(which, today) {
  const first = new Date(`${which}-01T00:00Z`);
  const table = document.createElement('table');
  table.className = 'month';
  table.createCaption().textContent = first.toLocaleDateString(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' });
  const head = table.createTHead().insertRow();
  for (let i = 0; i < 7; i++) {
    const th = document.createElement('th');
    th.scope = 'col';
    th.textContent = new Date(Date.UTC(2024, 0, 1 + i)).toLocaleDateString(undefined, { weekday: 'short', timeZone: 'UTC' });
    head.append(th);
  }
  const body = table.createTBody();
  let row = body.insertRow();
  for (let i = 0; i < (first.getUTCDay() + 6) % 7; i++) {
    row.insertCell();
  }
  for (const at = new Date(first); at.getUTCMonth() === first.getUTCMonth(); at.setUTCDate(at.getUTCDate() + 1)) {
    if (row.cells.length === 7) {
      row = body.insertRow();
    }
    const day = at.toISOString().slice(0, 10);
    const made = document.createElement(days.has(day) ? 'a' : 'span');
    made.textContent = String(at.getUTCDate());
    if (days.has(day)) {
      made.href = days.get(day);
      made.setAttribute('aria-label', day);
    }
    made.classList.toggle('today', day === today);
    row.insertCell().append(made);
  }
  return table;
}

const today = clock(Date.now(), main.dataset.zone, 0).slice(0, 10);
const months = [...new Set([...days.keys()].map((day) => day.slice(0, 7)))].sort().reverse();
document.querySelector('.months').append(...months.map((which) => month(which, today)));

const state = document.querySelector('.state');
try {
  const told = await attributes('./', 'first', 'last', 'error');
  if (told.error) {
    state.textContent = told.error;
  } else if (told.last) {
    state.textContent = `From ${clock(Date.parse(told.first), main.dataset.zone, 0)} to ${clock(Date.parse(told.last), main.dataset.zone, 0)} (${main.dataset.zone}), ${ago(Math.max(0, Date.now() - Date.parse(told.last)))} ago.`;
  }
} catch (e) {
  state.textContent = e.message;
  state.classList.add('wrong');
}
