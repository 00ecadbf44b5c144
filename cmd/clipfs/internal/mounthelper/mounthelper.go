// Package mounthelper understands how mount(8) calls the helper of a type of filesystem (mount(8), EXTERNAL HELPERS):
//
//	mount.clipfs SOURCE DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
//
// and makes of that the arguments of clipfs mount. The options are its flags: "cache-size=50GiB,allow_other". Those that every
// filesystem can have in fstab are for mount(8), systemd and the kernel, and are passed over.
package mounthelper

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Name is what the program is called when mount(8) calls it.
const Name = "mount.clipfs"

// NoSource is the source of a mount that names no profile.
const NoSource = "none"

// Call is what mount(8) asks for.
type Call struct {
	// Source is the first field of fstab: a profile of the AWS configuration, or NoSource.
	Source string
	// Dir is where to mount.
	Dir string
	// Fake says to do everything but mount.
	Fake bool
	// Args are those of clipfs mount that the options stand for.
	Args []string
}

// Profile is the profile that the source names, empty if none.
func (c Call) Profile() string {
	if c.Source == NoSource {
		return ""
	}
	return c.Source
}

// Parse reads the arguments of the helper. flags are those that options can stand for. Errors never show the value of an
// option that is not known: it may be a secret.
func Parse(args []string, flags *pflag.FlagSet) (Call, error) {
	var c Call
	own := pflag.NewFlagSet(Name, pflag.ContinueOnError)
	own.BoolVarP(&c.Fake, "fake", "f", false, "")
	sloppy := own.BoolP("sloppy", "s", false, "")
	own.BoolP("no-mtab", "n", false, "")
	own.BoolP("verbose", "v", false, "")
	namespace := own.StringP("namespace", "N", "", "")
	own.StringP("type", "t", "", "")
	options := own.StringArrayP("options", "o", nil, "")
	if err := own.Parse(args); err != nil {
		return c, err
	}
	if own.NArg() != 2 {
		return c, fmt.Errorf("want SOURCE DIR [-o OPTIONS], as mount(8) calls it: %s", usage)
	}
	if *namespace != "" {
		return c, errors.New("-N: mount(8) enters a namespace itself")
	}
	c.Source, c.Dir = own.Arg(0), own.Arg(1)
	for _, o := range split(strings.Join(*options, ",")) {
		if err := c.option(o, flags, *sloppy); err != nil {
			return c, err
		}
	}
	return c, nil
}

const usage = "mount -t clipfs -o OPTIONS PROFILE|none DIR"

// split parts options at the commas that are not in double quotes, which are taken away.
func split(text string) []string {
	var all []string
	var one strings.Builder
	quoted := false
	for _, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			all = append(all, one.String())
			one.Reset()
		default:
			one.WriteRune(c)
		}
	}
	all = append(all, one.String())
	return slices.DeleteFunc(all, func(o string) bool { return o == "" })
}

func (c *Call) option(text string, flags *pflag.FlagSet, sloppy bool) error {
	key, value, hasValue := strings.Cut(text, "=")
	f := flags.Lookup(strings.ReplaceAll(key, "_", "-"))
	switch {
	case key == "remount":
		return errors.New("remount: settings cannot be changed under a mount: unmount it and mount it again")
	case f != nil:
	case isStandard(key) || sloppy:
		return nil
	case isSecret(key):
		return fmt.Errorf("option %s: secrets do not belong where everybody can read them: "+
			"name a profile of ~/.aws/credentials as the source", key)
	default:
		return fmt.Errorf("option %s is not known: options are the flags of clipfs mount", key)
	}
	name := "--" + f.Name
	if !hasValue {
		if f.NoOptDefVal == "" {
			return fmt.Errorf("option %s wants a value", key)
		}
		c.Args = append(c.Args, name)
		return nil
	}
	values := []string{value}
	if _, isList := f.Value.(pflag.SliceValue); isList {
		values = strings.Split(value, ":")
	}
	for _, v := range values {
		c.Args = append(c.Args, name+"="+v)
	}
	return nil
}

// isStandard reports whether an option is one that any filesystem can have (mount(8), FILESYSTEM-INDEPENDENT MOUNT OPTIONS;
// fstab(5); systemd.mount(5)). The mount is read-only, without programs and devices, whatever they say.
func isStandard(key string) bool {
	switch key {
	case "defaults", "auto", "noauto", "nofail", "fail", "_netdev", "_rnetdev", "user", "nouser", "users", "nousers",
		"owner", "noowner", "group", "nogroup", "uhelper", "helper", "comment", "ro", "rw", "exec", "noexec", "suid", "nosuid",
		"dev", "nodev", "sync", "async", "dirsync", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime",
		"strictatime", "nostrictatime", "lazytime", "nolazytime", "mand", "nomand", "iversion", "noiversion", "silent", "loud",
		"nosymfollow", "symfollow":
		return true
	}
	return strings.HasPrefix(key, "x-") || strings.HasPrefix(key, "X-")
}

// isSecret reports whether an option looks like one that would carry a secret.
func isSecret(key string) bool {
	key = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(key))
	for _, word := range []string{"secret", "password", "passwd", "token", "accesskey", "credential"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}
