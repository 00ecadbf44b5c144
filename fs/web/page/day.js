// A day of a camera: the player, the strip, marks, and another camera beside it.

import { Beside } from './beside.js';
import { Player } from './player.js';
import { ask, attributes } from './service.js';
import { Strip } from './strip.js';
import { bytes, clock, instant, length, name } from './times.js';

const main = document.querySelector('main');
const set = main.dataset;
const day = { start: Number(set.start), end: Number(set.end) };
const find = (selector) => main.querySelector(selector);
const root = new URL('../', location.href).href;
const again = 60e3;
const stills = { on: set.stills === 'true' };

const player = new Player(find('.screen'), root, day);
const strip = new Strip(find('.strip'), day);
const clockBox = find('.clock');
const zoneBox = find('.zone');
const beside = new Beside(find('.screens'), day);
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
    if (beside.stream) {
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
  strip.at(at);
  strip.element.setAttribute('aria-valuenow', String(at));
  strip.element.setAttribute('aria-valuetext', clock(at, zone(), 0));
}

function seek(time) {
  live = false;
  find('.live').setAttribute('aria-pressed', 'false');
  const at = Math.min(day.end - 1, Math.max(day.start, time));
  player.shown = null;
  player.seek(at);
  beside.player?.seek(at);
  showTime();
  if (at < strip.from || at > strip.to) {
    strip.show(at - strip.span / 2, strip.span);
  }
  toURL();
}

// show shows a time, with so much of the day around it, if that is told.
function show(time, zoom) {
  if (zoom) {
    strip.show(time - zoom / 2, zoom);
  }
  seek(time);
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
    beside.player?.play();
  } else {
    player.video.pause();
    beside.player?.video.pause();
  }
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
    text.textContent = `${which === 0 ? 'from' : 'to'} ${clock(at, zone()).slice(11)}`;
    return;
  }
  const [start, end] = strip.marks;
  const path = `${name(start)}/${length(end - start)}`;
  text.textContent = `${clock(start, zone()).slice(11)} to ${clock(end, zone()).slice(11)}, ${length(end - start)}`;
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

function goLive() {
  live = true;
  find('.live').setAttribute('aria-pressed', 'true');
  player.shown = null;
  beside.live();
  player.live().catch((e) => {
    player.say(e.message);
    live = false;
    find('.live').setAttribute('aria-pressed', 'false');
  });
}

// goTo goes to a time of day, of which colons may be left out: keyboards of phones have none beside the numbers. The day may have parts of
// two dates in the zone that is chosen.
function goTo(text) {
  const match = /^([01]?\d|2[0-3])(?::?([0-5]\d))?(?::?([0-5]\d))?(?:\.(\d{1,3}))?$/.exec(text.trim());
  if (!match) {
    return false;
  }
  const [, h, m = '00', s = '00', ms = '0'] = match;
  const at = [day.start, day.end - 1].map((edge) => instant(clock(edge, zone(), 0).slice(0, 10), `${h.padStart(2, '0')}:${m}:${s}`, zone()));
  seek((at.find((time) => time >= day.start && time < day.end) ?? at[0]) + Number(ms.padEnd(3, '0')));
  return true;
}

const keys = {
  ' ': toggle,
  ArrowLeft: (e) => seek(now() - (e.shiftKey ? 60e3 : 5e3)),
  ArrowRight: (e) => seek(now() + (e.shiftKey ? 60e3 : 5e3)),
  ',': () => seek(now() - 1), // the picture that is shown then
  '.': next,
  Home: () => seek(player.timeline?.first ?? day.start),
  End: () => seek((player.known?.last ?? day.end) - 1000),
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
  if (!stills.on || !player.known?.recorded(time)) {
    img.hidden = true;
    return;
  }
  asked = setTimeout(() => {
    const grain = Math.max(1000, 2 ** Math.floor(Math.log2(strip.span / 100)));
    const url = `${root}${name(Math.max(player.known.first + 200, Math.floor(time / grain) * grain))}.jpg`;
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
beside.addEventListener('picture', () => {
  if (!live && player.shown !== null) {
    beside.judge(player.shown);
  }
});
player.addEventListener('picture', () => {
  showTime();
  if (!live) {
    beside.keep(player.shown);
  }
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
  for (const one of [player, beside.player]) {
    if (one) {
      one.video.defaultPlaybackRate = Number(e.target.value);
      one.video.playbackRate = Number(e.target.value);
    }
  }
});
zoneBox.addEventListener('change', () => {
  strip.zone = zone();
  strip.draw();
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
find('.beside').addEventListener('change', (e) => {
  showBeside(e.target.value);
  toURL();
});

// Another link to this day, in this tab.
addEventListener('hashchange', () => {
  const { time, zoom, beside: other } = fromURL();
  if (location.hash === '#live') {
    goLive();
    return;
  }
  if (other !== beside.stream) {
    choose(other);
    showBeside(other);
  }
  if (time !== null) {
    show(time, zoom);
  }
});

player.addEventListener('timeline', () => {
  strip.timeline = player.known;
  strip.draw();
  const { notes, silent } = player.known;
  find('.notes').textContent = notes.filter((note) => !note.startsWith('sound of ')).map((note) => `${note}. `).join('');
  if (silent.length > 0) {
    const a = document.createElement('a');
    a.href = player.file();
    a.textContent = 'The files have it';
    find('.notes').append(`No browser plays the sound of this camera (${silent.join(', ')}). `, a, '.');
  }
});

// begin shows what the URL says, or the first picture.
async function begin({ time, zoom }) {
  strip.zone = zone();
  try {
    await player.load();
    if (location.hash === '#live') {
      goLive();
    } else {
      show(time ?? player.timeline.first, zoom);
    }
  } catch (e) {
    player.say(e.status === 404 ? 'Nothing was recorded on this day.' : e.message);
  }
  showTime();
}

// choose has the box of cameras say a name, which it may not have yet.
function choose(stream) {
  const box = find('.beside');
  if (![...box.options].some((o) => o.value === stream)) {
    box.append(new Option(stream, stream));
  }
  box.value = stream;
}

function showBeside(stream, ready) {
  beside.show(stream, ready, now, player.video);
}

// refresh looks for what was recorded since, while the day is not over and somebody looks.
async function refresh() {
  if (!document.hidden && Date.now() < day.end + again) {
    await (player.timeline ? player.refresh() : begin(start)).catch(() => {});
  }
}

// others lists what this day can be seen beside.
async function others() {
  const box = find('.beside');
  const names = (await ask('../../')).entries.filter((e) => e.kind === 'directory' && e.name !== '@' && e.name !== set.stream).map((e) => e.name);
  const chosen = box.value;
  box.replaceChildren(box.options[0], ...names.map((n) => new Option(n, n)));
  choose(chosen);
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

const start = fromURL();
const begun = begin(start);
if (start.beside) {
  choose(start.beside);
  showBeside(start.beside, begun);
}
await begun;
setInterval(refresh, again);
others().catch(() => { find('.beside').disabled = true; });
neighbours().catch(() => {});
