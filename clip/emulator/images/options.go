package images

// Format is how a picture is coded.
type Format int

// The formats (API reference, GetImages, Format).
const (
	JPEG Format = iota
	PNG
)

// DefaultQuality is the quality of a JPEG where none is asked for (API reference, GetImages, FormatConfig).
const DefaultQuality = 80

// Options say what pictures are like. The zero value is JPEG in the size of the stream.
type Options struct {
	Format Format
	// Quality of a JPEG, from 1 to 100; 0 means DefaultQuality.
	Quality int
	// Width and Height in pixels. Where one is 0 the shape is kept, where both are so is the size.
	Width, Height int
}
