package clip

// Measure has open open a form of the clip, and close it again, to learn its exact size. spent is called once, when all that was
// fetched for the clip has ended, which may be after Measure has returned: a caller that opens it soon goes on with the
// same downloads.
func (c *Clip) Measure(open func() error, spent func(bytes int64, calls int)) error {
	used := c.used()
	used.Take()
	defer used.Give()
	used.Report(spent)
	return open()
}
