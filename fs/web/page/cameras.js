// The tiles of all cameras: the newest picture, when that was, and what is wrong.

import { attributes } from './service.js';
import { ago, name } from './times.js';

const silentAfter = 5 * 60e3; // a camera that has sent nothing for so long is silent
const aheadAfter = 60e3; // a camera that is ahead by so much has a clock that is off
const again = 60e3;
const withoutFor = 10 * 60e3; // how long no still is asked for after one could not be had
const stills = document.body.dataset.stills === 'true';

function state(tile, text, wrong) {
  const p = tile.querySelector('.state');
  p.textContent = p.title = text; // one line is shown, so that no tile moves; the camera's page says all of it
  p.classList.toggle('wrong', wrong);
  p.classList.toggle('good', !wrong);
}

async function look(tile) {
  const url = tile.querySelector('a').href;
  let told;
  try {
    told = await attributes(url, 'last', 'error');
  } catch (e) {
    without(tile);
    state(tile, e.status === 403 ? `no permission: ${e.message}` : e.message, true);
    return;
  }
  if (told.error) {
    without(tile);
    state(tile, told.error, true);
    return;
  }
  if (!told.last) {
    without(tile);
    state(tile, 'nothing is recorded', true);
    return;
  }
  const last = Date.parse(told.last);
  const age = Date.now() - last;
  if (age < -aheadAfter) {
    state(tile, `clock off by +${ago(-age)}`, true);
  } else if (age > silentAfter) {
    state(tile, `silent for ${ago(age)}`, true);
  } else {
    state(tile, `seen ${ago(Math.max(1000, age))} ago`, false);
  }
  if (stills && !(tile.without > Date.now())) {
    show(tile, [Math.floor(last / 60e3) * 60e3, last - 2e3].map((at) => `${url}${name(at)}.jpg`));
  }
}

// without says that there is no picture, unless there is an older one.
function without(tile) {
  tile.querySelector('.still').dataset.none = 'no picture';
}

// show loads the first still that there is, and keeps the one before until it is there. All who look within a minute ask for the same
// one. A camera that has none is left alone for a while: its footage is of a kind, or its permissions are such, that it never will.
function show(tile, [url, ...rest]) {
  const place = tile.querySelector('.still');
  if (place.querySelector('img')?.src === url) {
    return;
  }
  const img = new Image();
  img.alt = '';
  img.onload = () => {
    delete place.dataset.none;
    place.replaceChildren(img);
  };
  img.onerror = () => {
    if (rest.length > 0) {
      show(tile, rest);
    } else {
      tile.without = Date.now() + withoutFor;
      without(tile);
    }
  };
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
