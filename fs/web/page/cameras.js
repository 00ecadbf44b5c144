// The tiles of all cameras: the newest picture, when that was, and what is wrong.

import { attributes } from './service.js';
import { ago, name } from './times.js';

const silentAfter = 5 * 60e3; // a camera that has sent nothing for so long is silent
const aheadAfter = 60e3; // a camera that is ahead by so much has a clock that is off
const again = 60e3;
const stills = document.body.dataset.stills === 'true';

function state(tile, text, wrong) {
  const p = tile.querySelector('.state');
  p.textContent = text;
  p.classList.toggle('wrong', wrong);
}

async function look(tile) {
  const url = tile.querySelector('a').href;
  let told;
  try {
    told = await attributes(url, 'last', 'error');
  } catch (e) {
    state(tile, e.message, true);
    return;
  }
  if (told.error) {
    state(tile, told.error, true);
    return;
  }
  if (!told.last) {
    state(tile, 'nothing is recorded', true);
    return;
  }
  const last = Date.parse(told.last);
  const age = Date.now() - last;
  if (age < -aheadAfter) {
    state(tile, `clock ahead by ${ago(-age)}`, true);
  } else if (age > silentAfter) {
    state(tile, `silent for ${ago(age)}`, true);
  } else {
    state(tile, `seen ${ago(Math.max(1000, age))} ago`, false);
  }
  if (stills) {
    show(tile, `${url}${name(Math.max(Math.floor(last / 60e3) * 60e3, last - 60e3))}.jpg`);
  }
}

// show loads a still, and keeps the one before until it is there.
function show(tile, url) {
  const place = tile.querySelector('.still');
  if (place.querySelector('img')?.src === url) {
    return;
  }
  const img = new Image();
  img.alt = '';
  img.onload = () => place.replaceChildren(img);
  img.src = url;
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    clearInterval(target.timer);
    if (isIntersecting) {
      look(target);
      target.timer = setInterval(look, again, target);
    }
  }
});
for (const tile of document.querySelectorAll('.tile')) {
  seen.observe(tile);
}
