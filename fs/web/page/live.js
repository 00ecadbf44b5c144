// Which time of day a position of a live playlist is. Chromium counts positions from the beginning of the segment that it plays first,
// and tells neither which that is nor when that was. But it tells what it loads, and the position in the name of a live segment is its
// time of day. The first that is loaded may have served to find out how it is coded, and not be played.

const settled = 300; // for how long, in milliseconds, nothing more may come for what is loaded to be all that there is

export class Live {
  // root is the URL of the stream.
  constructor(root, video) {
    this.root = root;
    this.video = video;
    this.segments = []; // what was loaded, with its time of day and its length in milliseconds
    this.first = null; // the index of the one that is at position 0
    this.seen = '';
    this.since = 0;
    this.observer = new PerformanceObserver((list) => list.getEntries().forEach((e) => this.loaded(e.name)));
    this.observer.observe({ type: 'resource' });
  }

  close() {
    this.observer.disconnect();
  }

  loaded(url) {
    const match = url.startsWith(this.root) && /\/([0-9hms.]+)\.pts(\d{12,})\.ts$/.exec(url);
    if (!match || this.segments.some((s) => s.at === Number(match[2]))) {
      return;
    }
    let length = 0;
    for (const [, n, unit] of match[1].matchAll(/([0-9.]+)([hms])/g)) {
      length += Number(n) * { h: 3600e3, m: 60e3, s: 1e3 }[unit];
    }
    this.segments.push({ at: Number(match[2]), length });
  }

  // time is when the picture at a position was recorded, in milliseconds; null where that is not known yet.
  time(position) {
    const began = this.video.getStartDate?.().getTime(); // Safari knows
    if (began) {
      return Math.round(began + position * 1000);
    }
    if (this.first === null && !this.find()) {
      return null;
    }
    let from = 0;
    for (const { at, length } of this.segments.slice(this.first)) {
      const into = Math.round(position * 1000) - from;
      if (into < length) {
        return at + into;
      }
      from += length;
    }
    return null;
  }

  // find finds which segment is at position 0: what is loaded from there on has to be as long as what can be played, but for the last
  // pictures, which are kept until the next segment is there.
  find() {
    const { buffered } = this.video;
    const end = buffered.length > 0 ? Math.round(buffered.end(buffered.length - 1) * 1000) : 0;
    const seen = `${this.segments.length} ${end}`;
    if (seen !== this.seen) {
      this.seen = seen;
      this.since = performance.now();
    }
    if (end === 0 || performance.now() - this.since < settled) {
      return false;
    }
    for (const first of [0, 1]) {
      const rest = this.segments.slice(first).reduce((sum, s) => sum + s.length, 0) - end;
      if (rest > -100 && rest < 1000) {
        this.first = first;
        return true;
      }
    }
    return false;
  }
}
