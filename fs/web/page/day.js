// A day of a camera: the player, the strip, marks, and another camera beside it.

import { Player } from './player.js';
import { ask, attributes } from './service.js';
import { Strip } from './strip.js';
import { bytes, clock, instant, length, name } from './times.js';

const main = document.querySelector('main');
const set = main.dataset;
const day = { start: Number(set.start), end: Number(set.end) };
const find = (selector) => main.querySelector(selector);
const root = new URL('../', location.href).href;
const stills = { on: set.stills === 'true' };

const player = new Player(find('.screen'), root, day);
const strip = new Strip(find('.strip'), day);
const clockBox = find('.clock');
const zoneBox = find('.zone');
let beside = null;
let live = false;

const zone = () => zoneBox.value || Intl.DateTimeFormat().resolvedOptions().timeZone;
const now = () => player.shown ?? player.wanted ?? day.start;

// The URL holds what is seen, so that a link shows a colleague the same second.
function fromURL() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const time = Date.parse(asked.get('t') ?? '');
  return { time: Number.isNaN(time) ? null : time, zoom: Number(asked.get('zoom')) * 1000 || null, beside: asked.get('with') ?? '' };
}

let told = 0;
function toURL() {
  clearTimeout(told);
  told = setTimeout(() => {
    const hash = new URLSearchParams({ t: new Date(now()).toISOString() });
    if (strip.span < day.end - day.start) {
      hash.set('zoom', String(Math.round(strip.span / 1000)));
    }
    if (beside) {
      hash.set('with', beside.stream);
    }
    history.replaceState(null, '', `#${hash}`);
  }, 300);
}

function showTime() {
  const at = now();
  const text = clock(at, zone());
  [text.slice(0, 11), text.slice(11, 19), text.slice(19)].forEach((part, i) => {
    if (clockBox.children[i].textContent !== part) {
      clockBox.children[i].textContent = part;
    }
  });
  clockBox.classList.toggle('shown', player.shown !== null);
  strip.head = at;
  strip.draw();
  strip.element.setAttribute('aria-valuenow', String(at));
  strip.element.setAttribute('aria-valuetext', clock(at, zone(), 0));
}

function seek(time) {
  live = false;
  find('.live').setAttribute('aria-pressed', 'false');
  const at = Math.min(day.end - 1, Math.max(day.start, time));
  player.shown = null;
  player.seek(at);
  beside?.player.seek(at);
  showTime();
  if (at < strip.from || at > strip.to) {
    strip.show(at - strip.span / 2, strip.span);
  }
  toURL();
}

// next shows the next picture: further and further on, until it is another one. How far apart pictures are differs by camera.
async function next() {
  const from = now();
  for (let by = 20; by < 2000 && (by === 20 || player.shown === from); by *= 1.5) {
    const told = new Promise((resolve) => { player.addEventListener('picture', resolve, { once: true }); });
    seek(from + by);
    await told;
  }
}

function toggle() {
  if (player.video.paused) {
    player.play();
    beside?.player.play();
  } else {
    player.video.pause();
    beside?.player.video.pause();
  }
}

// keepTogether moves the other camera where its picture is of another time by more than a little.
function keepTogether() {
  if (!beside || player.shown === null || beside.player.shown === null || live) {
    return;
  }
  const off = beside.player.shown - player.shown;
  const other = beside.player.timeline;
  if (!other?.recorded(player.shown)) {
    beside.player.say('Nothing was recorded here at this time.');
    return;
  }
  if (Math.abs(off) > 400 && !beside.player.video.seeking) {
    beside.player.seek(player.shown);
  }
}

async function startBeside(stream) {
  beside?.figure.remove();
  beside = null;
  const screens = find('.screens');
  screens.classList.toggle('two', stream !== '');
  if (!stream) {
    toURL();
    return;
  }
  const figure = find('.screen').cloneNode(true);
  figure.querySelector('video').removeAttribute('src');
  figure.querySelector('.said').textContent = '';
  const of = document.createElement('span');
  of.className = 'of';
  of.textContent = stream;
  figure.append(of);
  screens.append(figure);
  beside = { stream, figure, player: new Player(figure, new URL(`../../${encodeURIComponent(stream)}/`, location.href).href, day) };
  try {
    await beside.player.load();
  } catch (e) {
    beside.player.say(e.status === 404 ? 'Nothing was recorded here on this day.' : e.message);
    return;
  }
  beside.player.video.playbackRate = player.video.playbackRate;
  beside.player.seek(now());
  if (!player.video.paused) {
    beside.player.play();
  }
  toURL();
}

// Marks and what is made of them.
async function mark(which) {
  const at = now();
  strip.marks[which] = at;
  const [from, to] = strip.marks;
  if (from !== null && to !== null && to <= from) {
    strip.marks[1 - which] = null;
  }
  strip.draw();
  const whole = strip.marks[0] !== null && strip.marks[1] !== null;
  find('.made').hidden = !whole;
  find('.paths').hidden = true;
  const text = find('.marked');
  if (!whole) {
    text.textContent = `${which === 0 ? 'from' : 'to'} ${clock(at, zone())}`;
    return;
  }
  const [start, end] = strip.marks;
  const path = `${name(start)}/${length(end - start)}`;
  text.textContent = `${clock(start, zone())} to ${clock(end, zone()).slice(11)}, ${length(end - start)}`;
  const file = `${set.stream}-${name(start)}-${length(end - start)}`;
  for (const [selector, form] of [['.save', '.mp4'], ['.save-cover', '.cover.mp4']]) {
    find(selector).href = `${root}${path}${form}`;
    find(selector).download = `${file}${form}`;
  }
  find('.path').value = `${set.stream}/${path}.mp4\nffmpeg -i "$MOUNT/${set.stream}/${path}.mp4" -c copy "${file}.mp4"\n`;
  try {
    const { missing } = await attributes(`${root}${path}.mp4`, 'missing');
    if (Number(missing) > Number(set.warn) && strip.marks[0] === start && strip.marks[1] === end) {
      text.textContent += `; saving fetches about ${bytes(Number(missing))}`;
    }
  } catch (e) {
    text.textContent += e.status === 404 ? '; nothing was recorded in it' : `; ${e.message}`;
  }
}

// copy shows the path on a mount, and puts it on the clipboard where the browser lets pages do that.
async function copy() {
  const box = find('.path');
  find('.paths').hidden = false;
  box.select();
  try {
    await navigator.clipboard.writeText(box.value);
    find('.marked').textContent = 'copied';
  } catch (e) {
    find('.marked').textContent = 'copy what is selected';
  }
}

async function goLive() {
  live = true;
  find('.live').setAttribute('aria-pressed', 'true');
  player.shown = null;
  try {
    await player.live();
  } catch (e) {
    player.say(e.message);
  }
}

function goTo(text) {
  const match = /^(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?(?:\.(\d{1,3}))?$/.exec(text.trim());
  if (!match) {
    return false;
  }
  const [, h, m = '00', s = '00', ms = '0'] = match;
  const date = clock(day.start + (day.end - day.start) / 2, zone(), 0).slice(0, 10);
  seek(instant(date, `${h.padStart(2, '0')}:${m}:${s}`, zone()) + Number(ms.padEnd(3, '0')));
  return true;
}

const keys = {
  ' ': toggle,
  ArrowLeft: (e) => seek(now() - (e.shiftKey ? 60e3 : 5e3)),
  ArrowRight: (e) => seek(now() + (e.shiftKey ? 60e3 : 5e3)),
  ',': () => seek(now() - 1), // the picture that is shown then
  '.': next,
  Home: () => seek(player.timeline?.first ?? day.start),
  End: () => seek((player.timeline?.last ?? day.end) - 1000),
  PageUp: () => seek(now() - 600e3),
  PageDown: () => seek(now() + 600e3),
  '[': () => mark(0),
  ']': () => mark(1),
  g: () => find('.goto input').focus(),
  l: goLive,
  '+': () => strip.zoom(0.5),
  '=': () => strip.zoom(0.5),
  '-': () => strip.zoom(2),
  0: () => strip.show(day.start, day.end - day.start),
};

document.addEventListener('keydown', (e) => {
  const typing = e.target.matches('input, select, textarea') || (e.key === ' ' && e.target.matches('button, a, summary'));
  if (e.ctrlKey || e.metaKey || e.altKey || typing || !keys[e.key]) {
    return;
  }
  e.preventDefault();
  keys[e.key](e);
});

// A still of what is under the pointer, of a time that is the same for neighbouring places, so that few are asked for.
let asked = 0;
strip.addEventListener('hover', ({ detail: { time, x } }) => {
  const box = find('.hover');
  const { left, width } = strip.element.getBoundingClientRect();
  box.hidden = false;
  box.style.left = `${Math.min(width - 96, Math.max(96, x - left))}px`;
  box.querySelector('span').textContent = clock(time, zone(), strip.span < 600e3 ? 3 : 0).slice(11);
  const img = box.querySelector('img');
  clearTimeout(asked);
  if (!stills.on || !player.timeline?.recorded(time)) {
    img.hidden = true;
    return;
  }
  asked = setTimeout(() => {
    const grain = Math.max(1000, 2 ** Math.floor(Math.log2(strip.span / 100)));
    const url = `${root}${name(Math.max(player.timeline.first + 200, Math.floor(time / grain) * grain))}.jpg`;
    if (img.src !== url) {
      img.src = url;
    }
  }, 150);
});
strip.addEventListener('leave', () => {
  clearTimeout(asked);
  find('.hover').hidden = true;
});
const still = find('.hover img');
still.addEventListener('load', () => { still.hidden = false; });
still.addEventListener('error', () => { still.hidden = true; });

strip.addEventListener('pick', ({ detail: { time } }) => seek(time));
strip.addEventListener('view', toURL);
player.addEventListener('picture', () => {
  showTime();
  keepTogether();
  toURL();
});
player.addEventListener('state', () => {
  const paused = player.video.paused;
  find('.play').setAttribute('aria-label', paused ? 'Play' : 'Pause');
  find('.play path').setAttribute('d', paused ? 'M4 2l9 6-9 6z' : 'M3 2h4v12H3zM9 2h4v12H9z');
});
const click = (selector, what) => find(selector).addEventListener('click', what);
click('.play', toggle);
click('.live', goLive);
click('.in', () => strip.zoom(0.5));
click('.out', () => strip.zoom(2));
click('.all', () => strip.show(day.start, day.end - day.start));
click('.mark-in', () => mark(0));
click('.mark-out', () => mark(1));
click('.copy', copy);
click('.sound', () => {
  player.video.muted = !player.video.muted;
  find('.sound').setAttribute('aria-pressed', String(!player.video.muted));
});
find('.speed').addEventListener('change', (e) => {
  for (const one of [player, beside?.player]) {
    if (one) {
      one.video.defaultPlaybackRate = Number(e.target.value);
      one.video.playbackRate = Number(e.target.value);
    }
  }
});
zoneBox.addEventListener('change', () => {
  strip.zone = zone();
  showTime();
});
find('.goto').addEventListener('submit', (e) => {
  e.preventDefault();
  const input = find('.goto input');
  if (goTo(input.value)) {
    input.value = '';
    strip.element.focus();
  }
});
find('.beside').addEventListener('change', (e) => startBeside(e.target.value));

// Another link to this day, in this tab.
addEventListener('hashchange', () => {
  const { time, zoom } = fromURL();
  if (location.hash === '#live') {
    goLive();
  } else if (time !== null) {
    if (zoom) {
      strip.show(time - zoom / 2, zoom);
    }
    seek(time);
  }
});

player.addEventListener('timeline', () => {
  strip.timeline = player.timeline;
  strip.draw();
  const { notes, silent } = player.timeline;
  find('.notes').textContent = notes.filter((note) => !note.startsWith('sound of ')).map((note) => `${note}. `).join('');
  if (silent.length > 0) {
    const a = document.createElement('a');
    a.href = player.file();
    a.textContent = 'The files have it';
    find('.notes').append(`No browser plays the sound of this camera (${silent.join(', ')}). `, a, '.');
  }
});

// begin shows what the URL says, or the first picture.
async function begin() {
  strip.zone = zone();
  const start = fromURL();
  try {
    await player.load();
    const first = start.time ?? player.timeline.first;
    if (start.zoom) {
      strip.show(first - start.zoom / 2, start.zoom);
    }
    if (location.hash === '#live') {
      await goLive();
    } else {
      seek(first);
    }
  } catch (e) {
    player.say(e.status === 404 ? 'Nothing was recorded on this day.' : e.message);
  }
  showTime();
  return start;
}

// others lists what this day can be seen beside.
async function others(chosen) {
  try {
    for (const { name: stream, kind } of (await ask('../../')).entries) {
      if (kind === 'directory' && stream !== set.stream && stream !== '@') {
        find('.beside').append(new Option(stream, stream));
      }
    }
    if (chosen) {
      find('.beside').value = chosen;
      await startBeside(chosen);
    }
  } catch (e) {
    find('.beside').disabled = true;
  }
}

// neighbours leads to the days before and after that have footage.
async function neighbours() {
  const days = (await ask('../')).entries.filter((e) => /^\d{4}-?\d\d-?\d\d$/.test(e.name)).map((e) => e.name).sort();
  for (const [selector, other] of [['.before', days.findLast((d) => d < set.day)], ['.after', days.find((d) => d > set.day)]]) {
    if (other) {
      find(selector).href = `../${other}/`;
      find(selector).title = other;
    }
  }
}

const start = await begin();
await others(start.beside);
neighbours().catch(() => {});
