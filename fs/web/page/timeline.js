// What is recorded, and which position in the playlist is which time of day.

import { ask } from './service.js';

export class Timeline {
  // data is what START/LENGTH.timeline.json says: runs have their start, position and length in milliseconds.
  constructor(data) {
    this.start = data.start;
    this.end = data.end;
    this.runs = data.runs;
    this.others = data.others ?? [];
    this.video = data.video ?? '';
    this.silent = data.silent ?? []; // codings of sound that no browser plays
    this.notes = data.notes ?? [];
    this.step = data.step;
    this.activity = data.activity;
    this.most = Math.max(1, ...data.activity);
  }

  static async load(url) {
    return new Timeline(await ask(url));
  }

  // length is how long the playlist plays.
  get length() {
    const [, from, length] = this.runs.at(-1) ?? [0, 0, 0];
    return from + length;
  }

  get empty() {
    return this.runs.length === 0;
  }

  // first and last are when the first run starts and the last one ends.
  get first() {
    return this.runs[0][0];
  }

  get last() {
    const [start, , length] = this.runs[this.runs.length - 1];
    return start + length;
  }

  // at is the index of the last run whose value in a column is not above one; -1 before the first.
  at(column, value) {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.runs[middle][column] <= value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  // time gives the time of day of a position.
  time(position) {
    const [start, from] = this.runs[Math.max(0, this.at(1, position))];
    return start + position - from;
  }

  // position gives the position of a time of day: in a gap that of the next run.
  position(time) {
    const i = this.at(0, time);
    if (i < 0) {
      return this.runs[0][1];
    }
    const [start, from, length] = this.runs[i];
    if (time < start + length) {
      return from + time - start;
    }
    return i + 1 < this.runs.length ? this.runs[i + 1][1] : from + length - 1;
  }

  // recorded tells whether there is footage at a time.
  recorded(time) {
    const i = this.at(0, time);
    return i >= 0 && time < this.runs[i][0] + this.runs[i][2];
  }
}
