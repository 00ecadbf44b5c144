// The strip: a day that zooms to seconds, with what is recorded, how much, the playhead and marks.

import { clock } from './times.js';

const shortest = 10e3;
const steps = [1e3, 5e3, 10e3, 30e3, 60e3, 300e3, 600e3, 1800e3, 3600e3, 7200e3, 10800e3, 21600e3];

export class Strip extends EventTarget {
  constructor(element, day) {
    super();
    this.element = element;
    this.canvas = element.querySelector('canvas');
    this.day = day;
    this.from = day.start;
    this.to = day.end;
    this.head = null;
    this.marks = [null, null];
    this.timeline = null;
    this.zone = 'UTC';
    this.pointers = new Map();
    this.playhead = document.createElement('div');
    this.playhead.className = 'playhead';
    this.playhead.hidden = true;
    element.append(this.playhead);
    new ResizeObserver(() => this.draw()).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    element.addEventListener('pointerdown', (e) => this.down(e));
    element.addEventListener('pointermove', (e) => this.moved(e));
    element.addEventListener('pointerup', (e) => this.up(e));
    element.addEventListener('pointercancel', (e) => this.pointers.delete(e.pointerId));
    element.addEventListener('pointerleave', () => this.dispatchEvent(new Event('leave')));
    element.addEventListener('wheel', (e) => this.wheel(e), { passive: false });
  }

  get span() {
    return this.to - this.from;
  }

  // time is the time of day at an x of the window.
  time(x) {
    const { left, width } = this.element.getBoundingClientRect();
    return Math.round(this.from + ((x - left) / width) * this.span);
  }

  x(time) {
    return ((time - this.from) / this.span) * this.width;
  }

  // show has the strip show a span, within the day.
  show(from, span) {
    const whole = this.day.end - this.day.start;
    const shown = Math.min(whole, Math.max(shortest, span));
    this.from = Math.min(this.day.end - shown, Math.max(this.day.start, from));
    this.to = this.from + shown;
    this.draw();
    this.dispatchEvent(new Event('view'));
  }

  // zoom makes the span that is shown so many times as long, about a time.
  zoom(times, about = this.head ?? (this.from + this.to) / 2) {
    const span = Math.min(this.day.end - this.day.start, Math.max(shortest, this.span * times));
    this.show(about - ((about - this.from) / this.span) * span, span);
  }

  down(e) {
    if (e.button !== 0) {
      return;
    }
    this.element.setPointerCapture(e.pointerId);
    this.pointers.set(e.pointerId, { x: e.clientX, first: e.clientX, from: this.from, dragged: false });
  }

  moved(e) {
    const p = this.pointers.get(e.pointerId);
    if (!p) {
      this.dispatchEvent(new CustomEvent('hover', { detail: { time: this.time(e.clientX), x: e.clientX } }));
      return;
    }
    if (this.pointers.size === 2) {
      this.pinch(e, p);
      return;
    }
    p.x = e.clientX;
    if (Math.abs(p.x - p.first) > 6) {
      p.dragged = true;
    }
    if (p.dragged && this.span < this.day.end - this.day.start) {
      this.show(p.from - ((p.x - p.first) / this.element.clientWidth) * this.span, this.span);
    }
  }

  pinch(e, p) {
    const [a, b] = [...this.pointers.values()];
    const before = Math.abs(a.x - b.x);
    p.x = e.clientX;
    a.dragged = b.dragged = true;
    const now = Math.abs(a.x - b.x);
    if (before > 8 && now > 8) {
      this.zoom(before / now, this.time((a.x + b.x) / 2));
    }
  }

  up(e) {
    const p = this.pointers.get(e.pointerId);
    this.pointers.delete(e.pointerId);
    if (p && !p.dragged) {
      this.dispatchEvent(new CustomEvent('pick', { detail: { time: this.time(e.clientX) } }));
    }
  }

  wheel(e) {
    e.preventDefault();
    if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
      this.show(this.from + ((e.deltaX || e.deltaY) / this.element.clientWidth) * this.span, this.span);
      return;
    }
    this.zoom(Math.exp(e.deltaY / 400), this.time(e.clientX));
  }

  // draw is called for whatever changes; it draws once before the next picture of the window.
  draw() {
    if (this.pending) {
      return;
    }
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.paint();
    });
  }

  paint() {
    const ratio = devicePixelRatio || 1;
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    if (this.canvas.width !== Math.round(this.width * ratio) || this.canvas.height !== Math.round(this.height * ratio)) {
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = Math.round(this.height * ratio);
    }
    const c = this.canvas.getContext('2d');
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    const style = getComputedStyle(this.element);
    const colour = (which) => style.getPropertyValue(`--${which}`);
    const axis = 22;
    const top = 12;
    const bottom = this.height - axis;
    c.fillStyle = colour('gap');
    c.fillRect(0, top, this.width, bottom - top);
    if (this.timeline) {
      this.paintRuns(c, colour, top, bottom);
    }
    this.paintAxis(c, colour, bottom);
    this.paintMarks(c, colour, top, bottom);
    this.move();
  }

  // at moves the playhead, which is an element of its own: that is done for each picture, and nothing else has to be drawn for it.
  at(time) {
    this.head = time;
    this.move();
  }

  move() {
    const { head, playhead, width } = this;
    playhead.hidden = !width || head === null || head < this.from || head > this.to;
    if (!playhead.hidden) {
      playhead.style.transform = `translateX(${Math.min(width - 6, Math.max(6, Math.round(this.x(head))))}px)`;
    }
  }

  paintRuns(c, colour, top, bottom) {
    const { runs, others, activity, step, most, start } = this.timeline;
    const bar = (at, length, height) => {
      const x = Math.round(this.x(at));
      c.fillRect(x, bottom - height, Math.max(1, Math.round(this.x(at + length)) - x), height);
    };
    const shown = (at, length) => at + length > this.from && at < this.to;
    c.fillStyle = colour('footage');
    for (const [at, , length] of runs) {
      if (shown(at, length)) {
        bar(at, length, bottom - top);
      }
    }
    c.fillStyle = colour('activity');
    const first = Math.max(0, Math.floor((this.from - start) / step));
    const last = Math.min(activity.length - 1, Math.floor((this.to - start) / step));
    for (let i = first; i <= last; i++) {
      if (activity[i] > 0) {
        bar(start + i * step, step, (activity[i] / most) * (bottom - top) * 0.7);
      }
    }
    c.fillStyle = colour('other');
    for (const [at, length] of others) {
      if (shown(at, length)) {
        bar(at, length, bottom - top);
      }
    }
  }

  paintAxis(c, colour, bottom) {
    const step = steps.find((s) => (s / this.span) * this.width > 64) ?? 43200e3;
    c.fillStyle = colour('quiet');
    c.font = '12px system-ui, sans-serif';
    c.textAlign = 'center';
    c.textBaseline = 'top';
    for (let at = this.day.start + Math.ceil((this.from - this.day.start) / step) * step; at <= this.to; at += step) {
      const x = this.x(at);
      c.fillRect(x, bottom, 1, 5);
      const text = clock(at, this.zone, 0).slice(11, step < 60e3 ? 19 : 16);
      c.fillText(text, Math.min(this.width - 22, Math.max(22, x)), bottom + 7);
    }
  }

  paintMarks(c, colour, top, bottom) {
    const [from, to] = this.marks;
    c.fillStyle = colour('mark');
    if (from !== null && to !== null) {
      c.globalAlpha = 0.35;
      c.fillRect(this.x(from), top, this.x(to) - this.x(from), bottom - top);
      c.globalAlpha = 1;
    }
    for (const mark of this.marks) {
      if (mark !== null) {
        c.fillRect(this.x(mark) - 1, top, 3, bottom - top);
      }
    }
  }
}
