package disk

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// proofFixed is how much of its space a proof uses.
const proofFixed = 44

// boot tells one start of the machine from others; zero where that is not known.
type boot [16]byte

// bootID reads it from the kernel: a number that is drawn at each start (random(4)).
func bootID() (b boot) {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	id, err := hex.DecodeString(strings.NewReplacer("-", "", "\n", "").Replace(string(text)))
	if err == nil && len(id) == len(b) {
		b = boot(id)
	}
	return b
}

// proof is how a pair's proof is on disk, integers little-endian, zeros behind it. It says of which state of the data all
// was checked.
type proof struct {
	Boot      boot
	Inode     uint64
	Sec, Nsec int64 // st_ctime
	Sum       uint32
}

// proofOf is the proof of data in its present state; false where there can be none.
func proofOf(b boot, info fs.FileInfo) (proof, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || b == (boot{}) {
		return proof{}, false
	}
	return proof{Boot: b, Inode: s.Ino, Sec: s.Ctim.Sec, Nsec: s.Ctim.Nsec}, true
}

func (p proof) encode() []byte {
	out := make([]byte, proofSize)
	_, _ = binary.Encode(out, binary.LittleEndian, p) // there is space
	binary.LittleEndian.PutUint32(out[proofFixed-4:], Castagnoli(0, out[:proofFixed-4]))
	return out
}

// readProof reads the proof behind the checksums of a pair of so many bytes; false if there is none.
func readProof(r io.ReaderAt, size int64) (p proof, ok bool) {
	in := make([]byte, proofSize)
	if n, err := r.ReadAt(in, footerSize(size)); n < proofSize && err != nil {
		return proof{}, false
	}
	_, _ = binary.Decode(in, binary.LittleEndian, &p) // there is enough
	ok = p.Sum == Castagnoli(0, in[:proofFixed-4]) && p.Boot != (boot{})
	p.Sum = 0
	return p, ok
}
