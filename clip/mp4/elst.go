package mp4

// Edit is one entry of an edit list (ISO/IEC 14496-12 8.6.6).
type Edit struct {
	// Duration of the edit in the movie's timescale.
	Duration uint64
	// MediaTime is where it starts in the media, in the track's timescale; -1 makes it an empty edit.
	MediaTime int64
	// Rate of the media in 16.16 fixed point; 1.0 is 0x10000.
	Rate int32
}

// EditRate is the Rate of an edit that plays at normal speed.
const EditRate int32 = 0x10000

// parseElst reads the body of elst. The edits are few: a file of a hundred million of them is held as what it is.
func parseElst(body []byte) ([]Edit, error) {
	d := decoder{b: body}
	version, _ := d.fullBox()
	wide, size := version == 1, 12
	if wide {
		size = 20
	}
	raw, err := d.table(TypeElst, size)
	if err != nil {
		return nil, err
	}
	edits := make([]Edit, 0, len(raw)/size)
	for d = (decoder{b: raw}); len(d.b) > 0; {
		e := Edit{Duration: d.uint(wide)}
		if wide {
			e.MediaTime = int64(d.u64())
		} else {
			e.MediaTime = int64(int32(d.u32()))
		}
		e.Rate = int32(d.u32())
		edits = append(edits, e)
	}
	return edits, nil
}
