// Another camera beside the first, at the same time.

import { Player } from './player.js';

const nothing = 'Nothing was recorded here at this time.';
const apart = 400; // how far apart the two may be, in milliseconds, before the other one is moved

export class Beside extends EventTarget {
  // screens is the element that has the screen of the first camera, day the start and end of the day.
  constructor(screens, day) {
    super();
    this.screens = screens;
    this.day = day;
    this.stream = ''; // empty for none
    this.figure = null;
    this.player = null;
  }

  // show shows a camera beside the first; none for an empty name. The place for it is there at once, so that nothing moves later. ready is
  // a promise: the time to show is known. now gives that time, first is the video of the first camera.
  async show(stream, ready, now, first) {
    this.end();
    this.screens.classList.toggle('two', stream !== '');
    document.documentElement.classList.remove('two');
    if (!stream) {
      return;
    }
    const figure = this.screens.querySelector('.screen').cloneNode(true);
    const video = figure.querySelector('video');
    video.removeAttribute('src');
    figure.querySelector('.said').textContent = '';
    figure.querySelector('.of').textContent = stream;
    this.screens.append(figure);
    const player = new Player(figure, new URL(`../../${encodeURIComponent(stream)}/`, location.href).href, this.day);
    Object.assign(this, { stream, figure, player });
    player.addEventListener('picture', () => this.dispatchEvent(new Event('picture')));
    try {
      await Promise.all([player.load(), ready]);
    } catch (e) {
      player.say(e.status === 404 ? 'Nothing was recorded here on this day.' : e.message);
      return;
    }
    if (this.player !== player) {
      return; // another one was chosen meanwhile
    }
    video.defaultPlaybackRate = first.defaultPlaybackRate;
    video.playbackRate = first.playbackRate;
    player.seek(now());
    if (!first.paused) {
      player.play();
    }
  }

  end() {
    this.figure?.remove();
    this.player?.close();
    Object.assign(this, { stream: '', figure: null, player: null });
  }

  // live follows the camera, as the first one does.
  live() {
    const { player } = this;
    this.figure?.classList.remove('nothing');
    player?.live().catch((e) => player.say(e.message));
  }

  // judge says whether the other camera has anything of the time that the first one shows: in a gap its player stands at what comes next.
  judge(shown) {
    const { figure, player } = this;
    const missing = figure.classList.toggle('nothing', !player.timeline?.recorded(shown));
    if (missing || player.said.textContent === nothing) {
      player.say(missing ? nothing : '');
    }
    return !missing;
  }

  // keep moves the other camera where its picture is not of the time that the first one shows.
  keep(shown) {
    const { player } = this;
    if (player && player.shown !== null && this.judge(shown) && Math.abs(player.shown - shown) > apart && !player.video.seeking) {
      player.seek(shown);
    }
  }
}
