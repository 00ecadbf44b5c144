// A picture of one camera: a video element that is asked for times of day.

import { Live } from './live.js';
import { ask, fetched } from './service.js';
import { Timeline } from './timeline.js';
import { length, name } from './times.js';

const playlistType = 'application/vnd.apple.mpegurl';
const window10m = 600e3;
const mostBehind = 10e3; // how much has to be recorded after the end of what is played for it to go on by itself
const mostTries = 3; // how often something is loaded again after an error before any picture comes
const loading = 'Loading …';
const slowAfter = 700; // for how long nothing may come before that is said
const stalledAfter = 1500; // for how long nothing may come before there is a look whether the playlist is another one by now

export class Player extends EventTarget {
  // root is the URL of the stream, day the start and length of the day in milliseconds.
  constructor(figure, root, day) {
    super();
    this.video = figure.querySelector('video');
    this.said = figure.querySelector('.said');
    this.root = root;
    this.day = day;
    this.native = this.video.canPlayType(playlistType) !== '';
    this.timeline = null;
    this.newer = null; // a timeline that has what was recorded since this.timeline; null for none
    this.source = ''; // what the video has: 'day', 'live', or the start of ten minutes
    this.shown = null; // the time of day of the picture that is shown
    this.last = null; // the position of the picture that was shown last
    this.wanted = null; // the time of day that was asked for last
    this.opened = false; // whether anything was played
    this.tries = 0; // how often the source was loaded again since a picture came
    this.told = false; // whether there was a look at how the camera codes, once a picture had come
    this.pending = null; // the position of a seek whose picture has not come
    this.video.addEventListener('error', () => this.failed());
    this.video.addEventListener('loadeddata', () => this.judge());
    this.video.addEventListener('loadedmetadata', () => this.compare());
    this.video.addEventListener('seeking', () => this.watch());
    this.video.addEventListener('seeked', () => this.stay());
    for (const event of ['waiting', 'playing', 'pause']) {
      this.video.addEventListener(event, () => this.dispatchEvent(new Event('state')));
    }
    this.video.addEventListener('playing', () => this.loaded());
    this.video.addEventListener('ended', () => this.next());
    this.video.addEventListener('waiting', () => {
      this.watch();
      clearTimeout(this.stalling);
      this.stalling = setTimeout(() => this.stalled(5), stalledAfter);
    });
    if (this.video.requestVideoFrameCallback) {
      const frame = (_, { mediaTime }) => {
        this.picture(mediaTime);
        this.video.requestVideoFrameCallback(frame);
      };
      this.video.requestVideoFrameCallback(frame);
    } else {
      this.video.addEventListener('timeupdate', () => this.picture(this.video.currentTime));
    }
  }

  get span() {
    return `${name(this.day.start)}/${length(this.day.end - this.day.start)}`;
  }

  // known is all that is known of what is recorded.
  get known() {
    return this.newer ?? this.timeline;
  }

  // load takes up what is recorded on the day. It throws where nothing is.
  async load() {
    this.busy();
    this.timeline = await Timeline.load(`${this.root}${this.span}.timeline.json`).finally(() => this.loaded());
    this.newer = null;
    this.dispatchEvent(new Event('timeline'));
    return this.timeline;
  }

  // refresh looks for what was recorded since. What is played goes on; a seek beyond its end takes up what is new.
  async refresh() {
    const newer = await Timeline.load(`${this.root}${this.span}.timeline.json`);
    if (newer.last > this.known.last) {
      this.newer = newer;
      this.dispatchEvent(new Event('timeline'));
    }
  }

  // compare loads the timeline again where the playlist is a newer one: footage has come, or was found to be of another codec.
  async compare() {
    this.opened = true;
    if (this.source !== 'day' || Math.abs(this.video.duration * 1000 - this.timeline.length) < 2 || this.compared === this.video.duration) {
      return;
    }
    this.compared = this.video.duration;
    await this.load();
    if (this.wanted !== null) {
      this.seek(this.wanted);
    }
  }

  // seek shows the picture of a time of day.
  async seek(time) {
    if (!this.timeline || this.timeline.empty) {
      return;
    }
    this.wanted = time;
    clearTimeout(this.staying);
    if (this.newer && time >= this.timeline.last) {
      this.timeline = this.newer;
      this.newer = null;
      this.source = '';
    }
    if (this.unplayable()) {
      this.refuseCodec();
      return;
    }
    const position = this.timeline.position(time);
    if (this.native) {
      this.take('day', `${this.root}${this.span}.m3u8`);
      this.go(position / 1000);
      return;
    }
    const at = this.timeline.time(position);
    const start = Math.floor(at / window10m) * window10m;
    if (this.source !== start) {
      const clip = `${this.root}${name(start)}/10m`;
      try {
        const { points } = await ask(`${clip}.times.json`);
        this.points = points.map((p) => ({ position: p.position_seconds, at: Date.parse(p.time) }));
      } catch (e) {
        this.say(e.message);
        return;
      }
      this.take(start, `${clip}.mp4`);
    }
    if (this.wanted === time) {
      this.go(this.positionInClip(at));
    }
  }

  // take has the video play something else, and go on playing if it did, at the same speed.
  take(source, url) {
    if (this.source === source) {
      return;
    }
    const playing = !this.video.paused;
    const rate = this.video.playbackRate;
    this.source = source;
    this.last = null;
    this.pending = null;
    this.following?.close();
    this.following = null;
    this.video.src = url;
    this.video.defaultPlaybackRate = rate;
    this.video.playbackRate = rate;
    if (playing) {
      this.play();
    }
  }

  // close ends it: what was removed from the page would go on loading and playing.
  close() {
    this.source = '';
    this.following?.close();
    for (const timer of [this.staying, this.stalling, this.watching, this.slow]) {
      clearTimeout(timer);
    }
    this.video.pause();
    this.video.removeAttribute('src');
    this.video.load();
  }

  go(seconds) {
    this.target = seconds + 0.0005; // positions are rounded to milliseconds, and the picture begins no later
    const { video } = this;
    this.pending = this.target;
    this.busy();
    clearTimeout(this.stalling);
    this.stalling = setTimeout(() => this.stalled(5), stalledAfter);
    const move = () => { video.currentTime = Math.min(this.target, video.duration || Infinity); };
    if (video.readyState >= HTMLMediaElement.HAVE_METADATA) {
      move();
      return;
    }
    video.addEventListener('loadedmetadata', move, { once: true });
  }

  // watch ends what never would: Chromium keeps the last pictures of a playlist to itself, some tenths of a second, and waits for them
  // without end. The last picture that it gives is shown instead. The end has to be the same for a while, as more may be on its way.
  watch(before = -1) {
    const { seeking, buffered, duration, currentTime, paused } = this.video;
    if (this.source !== 'day' || !(seeking || (!paused && this.video.readyState < 3)) || duration - currentTime > 1) {
      return;
    }
    const end = buffered.length > 0 ? buffered.end(buffered.length - 1) : -1;
    if (end === before && end > duration - 1) {
      if (seeking && currentTime >= end) {
        this.video.currentTime = end - 0.001;
      } else if (!seeking) {
        this.video.pause();
        this.next();
      }
      return;
    }
    clearTimeout(this.watching);
    this.watching = setTimeout(() => this.watch(end), 250);
  }

  // stalled looks whether there is another playlist where nothing comes: Chromium waits without end where footage is of a codec that it does
  // not play, which the server has found out by then.
  async stalled(times) {
    const { seeking, readyState, paused } = this.video;
    if (this.source !== 'day' || times === 0 || !(seeking || readyState < (paused ? 2 : 3))) {
      return;
    }
    if (await this.other()) {
      this.source = '';
      this.seek(this.place);
    } else if (this.unplayable()) {
      this.refuseCodec();
    } else {
      this.stalling = setTimeout(() => this.stalled(times - 1), stalledAfter);
    }
  }

  // stay tells of the picture where the browser has not: it tells of new pictures only, and may miss one that comes soon after
  // another, as that of a seek after the first of a file. The picture that stands is the one of the position, within its length.
  stay() {
    this.say('');
    clearTimeout(this.staying);
    this.staying = setTimeout(() => {
      const { seeking, paused, currentTime } = this.video;
      if (seeking || this.last === null) {
        return;
      }
      this.pending = null;
      if (paused && Math.abs(currentTime - this.last) > 1) {
        this.picture(currentTime - 0.0005);
      } else if (this.shown === null && Math.abs(currentTime - this.last) < 2) {
        this.picture(this.last);
      }
    }, 150);
  }

  positionInClip(at) {
    let point = this.points[0];
    for (const p of this.points) {
      if (p.at <= at) {
        point = p;
      }
    }
    return point.position + Math.max(0, at - point.at) / 1000;
  }

  // picture is told of the position of each picture that is shown.
  picture(mediaTime) {
    let at = null;
    this.last = mediaTime;
    if (this.pending !== null && Math.abs(mediaTime - this.pending) > 2) {
      return; // what is shown before the seek
    }
    this.pending = null;
    this.tries = 0;
    if (this.source === 'day') {
      at = this.timeline.time(Math.round(mediaTime * 1000));
    } else if (this.source === 'live') {
      at = this.following?.time(mediaTime) ?? null;
    } else if (this.points) {
      const point = this.points.findLast((p) => p.position <= mediaTime + 0.0005) ?? this.points[0];
      at = Math.round(point.at + (mediaTime - point.position) * 1000);
    }
    if (at !== null) {
      this.shown = at;
      this.dispatchEvent(new Event('picture'));
    }
  }

  // next goes on where what is played ends: with the next ten minutes, or with what was recorded since.
  async next() {
    if (this.source === 'day') {
      const { last } = this.timeline;
      await this.refresh().catch(() => {});
      if (this.source === 'day' && this.known.last > last + mostBehind) {
        this.seek(last);
        this.play();
      }
    } else if (typeof this.source === 'number') {
      const at = this.source + window10m;
      if (at < this.timeline.last) {
        this.seek(at);
        this.play();
      }
    }
  }

  // live follows the camera. It throws where there is nothing to follow.
  async live() {
    if (!this.native) {
      this.say('This browser does not play live playlists.');
      return;
    }
    const url = `${this.root}live.m3u8`;
    if (this.source !== 'live') {
      this.busy();
      await fetched(url);
      this.take('live', url);
      this.following = new Live(this.root, this.video);
    }
    this.play();
  }

  play() {
    this.video.play().catch((e) => {
      if (e.name !== 'AbortError') {
        this.say(e.message);
      }
    });
  }

  // unplayable tells whether the pictures are known to be of a codec that this browser does not play.
  unplayable() {
    return this.timeline?.video === 'H.265' && this.video.canPlayType('video/mp4; codecs="hvc1.1.6.L120.90"') === '';
  }

  // judge says what cannot be seen: some browsers play H.265 to nothing without an error.
  judge() {
    if (this.video.videoWidth === 0) {
      this.refuseCodec();
    } else if (this.source === 'day' && !this.timeline.video && !this.told) {
      this.told = true; // by now the server knows how this camera codes, and what of it no browser plays
      this.load().catch(() => {});
    }
  }

  refuseCodec() {
    this.refuse(`This browser does not show the pictures of this camera (${this.timeline?.video || 'H.265, as a rule'}).`);
  }

  // failed goes on where a picture had come before: Chromium fails now and then where it seeks while it reads, and plays the same when it is
  // loaded again.
  async failed() {
    const { error } = this.video;
    const { source } = this;
    const message = error?.message;
    this.source = ''; // so that the next seek loads it again
    if (source === 'day' && await this.other()) {
      this.seek(this.place);
      return;
    }
    if (this.native && source === 'day' && !this.opened && error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) {
      this.native = false; // it said that it might
      this.seek(this.place);
      return;
    }
    if (this.opened && this.source === '' && this.tries < mostTries) {
      this.tries++;
      if (source === 'live') {
        this.live().catch((e) => this.refuse(e.message));
      } else {
        this.seek(this.place);
      }
      return;
    }
    this.refuse(message ? `It does not play: ${message}` : 'It does not play.');
  }

  // place is the time of day to go on at: what was asked for and has not come, else what is shown.
  get place() {
    return (this.pending === null ? this.shown : this.wanted) ?? this.wanted ?? this.timeline.first;
  }

  // other tells whether the playlist is another one by now, as when what was played last was found to be of another codec than the rest.
  async other() {
    const before = JSON.stringify(this.timeline?.runs);
    try {
      await this.load();
    } catch (e) {
      return false;
    }
    return JSON.stringify(this.timeline.runs) !== before;
  }

  // refuse says why there is no picture, with the file for another program.
  refuse(text) {
    this.say(`${text} `);
    const a = document.createElement('a');
    a.href = this.file();
    a.textContent = 'The file of this minute';
    this.said.append(a);
  }

  // file is the URL of the clip of the minute that was asked for.
  file() {
    const at = this.timeline.time(this.timeline.position(this.wanted ?? this.timeline.first));
    return `${this.root}${name(Math.floor(at / 60e3) * 60e3)}/1m.mp4`;
  }

  // say says something over the picture, until the next seek.
  say(text) {
    clearTimeout(this.slow);
    this.said.textContent = text;
  }

  // busy says that something is on its way, unless it comes soon or something else is said.
  busy() {
    clearTimeout(this.slow);
    this.slow = setTimeout(() => {
      if (this.said.textContent === '') {
        this.say(loading);
      }
    }, slowAfter);
  }

  // loaded ends that.
  loaded() {
    clearTimeout(this.slow);
    if (this.said.textContent === loading) {
      this.say('');
    }
  }
}
