package footage

// cut is what one fragment has of its media.
type cut struct{}
