package fs

import (
	"cmp"
	"fmt"
	"os"
	"strings"
)

const (
	// fuseConf tells the helper what ordinary users may do (fusermount3(1), CONFIGURATION FILE).
	fuseConf = "/etc/fuse.conf"
	// allowOtherLine is the line in it without which only root may let other users see a mount.
	allowOtherLine = "user_allow_other"
)

// AllowsOther says what is missing for a mount by a user that others can see (Options.AllowOther), by the configuration
// of the helper in a file; empty means /etc/fuse.conf. The helper reads it with the user's own rights, so a file that
// the user may not read allows nothing.
func AllowsOther(uid int, conf string) error {
	conf = cmp.Or(conf, fuseConf)
	if uid == 0 {
		return nil
	}
	text, err := os.ReadFile(conf)
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == allowOtherLine {
			return nil
		}
	}
	reason := ""
	if err != nil {
		reason = fmt.Sprintf(" (%v)", err)
	}
	return fmt.Errorf("other users may see the mount of one who is not root only where %s has the line %s: add it, or mount as root%s",
		conf, allowOtherLine, reason)
}
