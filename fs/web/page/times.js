// Times of day in a zone, and how they are written in paths.

// zones: a formatter for each zone and form, as making one is slow.
const formatters = new Map();

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formatters.has(key)) {
    formatters.set(key, new Intl.DateTimeFormat('en-GB', { timeZone: zone || undefined, hourCycle: 'h23', ...options }));
  }
  return formatters.get(key);
}

// clock writes an instant in milliseconds as 2024-01-01 10:07:30.250.
export function clock(at, zone, digits = 3) {
  const parts = {};
  const options = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' };
  for (const { type, value } of formatter(zone, digits ? { ...options, fractionalSecondDigits: digits } : options).formatToParts(at)) {
    parts[type] = value;
  }
  const fraction = digits ? '.' + parts.fractionalSecond : '';
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}${fraction}`;
}

// offset is how far a zone is ahead of UTC at an instant, in milliseconds.
export function offset(at, zone) {
  const [date, time] = clock(at, zone, 0).split(' ');
  return Date.parse(`${date}T${time}Z`) - Math.floor(at / 1000) * 1000;
}

// instant is when clocks in a zone show a date and a time of day; where they show it twice the first time.
export function instant(date, time, zone) {
  const shown = Date.parse(`${date}T${time}Z`);
  const earlier = shown - offset(shown - 12 * 3600e3, zone);
  if (clock(earlier, zone, 0) === clock(shown, 'UTC', 0)) {
    return earlier;
  }
  return shown - offset(shown + 12 * 3600e3, zone);
}

// name writes an instant as a start in a path, in UTC and ISO 8601's basic format.
export function name(at) {
  return new Date(at).toISOString().replace(/[-:]/g, '');
}

// length writes milliseconds as a length in a path: 1h2m3.5s.
export function length(ms) {
  const whole = Math.round(ms);
  const hours = Math.floor(whole / 3600e3);
  const minutes = Math.floor(whole / 60e3) % 60;
  const seconds = (whole % 60e3) / 1000;
  return `${hours ? hours + 'h' : ''}${minutes ? minutes + 'm' : ''}${seconds ? seconds + 's' : ''}` || '0s';
}

// ago says in words how long ago something was.
export function ago(ms) {
  const units = [[86400e3, 'day'], [3600e3, 'hour'], [60e3, 'minute'], [1e3, 'second']];
  for (const [size, unit] of units) {
    const n = Math.floor(ms / size);
    if (n >= 1) {
      return `${n} ${unit}${n === 1 ? '' : 's'}`;
    }
  }
  return 'less than a second';
}

// bytes writes a size.
export function bytes(n) {
  for (const [size, unit] of [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']]) {
    if (n >= size) {
      return `${(n / size).toPrecision(3)} ${unit}`;
    }
  }
  return `${n} bytes`;
}
