package e2e_test

// witnessOdds are the kinds of payload that are unusual. testdata/witness_write.py says what they are.
func witnessOdds() []string {
	return []string{
		"two-edits", "signed", "mdats", "size0", "large", "mvex", "tracks", "entry", "free", "twice", "sound-before", "sound-after",
		"more-before", "more-after", "fewer-first", "fewer-last",
	}
}
