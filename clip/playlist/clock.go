package playlist

// clockLayout is how times of day are written (RFC 8216 4.3.2.6), which are UTC.
const clockLayout = "2006-01-02T15:04:05.000Z"
