package shared

// Block is how many bytes one check covers; FixedSize is how long the fixed header is.
const (
	Block     = block
	FixedSize = fixedSize
)

// ParseName reads what Name.String gave.
func ParseName(text string) (Name, bool) { return parseName(text) }

// Gather is how long a host waits for more to be asked for before it takes leases.
const Gather = gather
