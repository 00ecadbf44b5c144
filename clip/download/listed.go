package download

import "clipfs/cache"

// listedKey is the key under which is noted, as if it were a size, that a payload is just what was listed. Its digit goes up when what is
// compared changes: then payloads are compared again.
func listedKey(payload cache.Key) cache.Key { return "w1-" + payload }

// AsListed reports whether it is noted, by this or an earlier run, that the payload of a stamp is whole and has no more than what was listed.
// It costs no access to the disk.
func (d *Downloader) AsListed(payload cache.Key, stamp int64) bool {
	noted, ok := d.store.KnownSize(listedKey(payload))
	return ok && stamp != 0 && noted == stamp
}

// NoteAsListed notes that of the payload of a stamp. Its bytes never change, so later runs need not look at its tables before they serve it.
func (d *Downloader) NoteAsListed(payload cache.Key, stamp int64) {
	if stamp != 0 {
		d.store.NoteSize(listedKey(payload), stamp)
	}
}
