package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// serviceFlags are the flags of clipfs mount that say how it begins and ends.
type serviceFlags struct {
	grace  duration
	source string
}

// defaultServiceFlags gives the flags as they are where none is set.
func defaultServiceFlags() serviceFlags {
	return serviceFlags{grace: duration(defaultGrace)}
}

// bind makes the flags.
func (f *serviceFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.grace, "grace", "how long to serve what is open when told to end; 0 not to")
	flags.StringVar(&f.source, "fsname", "", "what the table of mounts says is mounted")
	_ = flags.MarkHidden("fsname") // for mount(8)
}

// duration is a flag for a time that can be 0.
type duration time.Duration

// String implements pflag.Value.
func (v *duration) String() string { return time.Duration(*v).String() }

// Set implements pflag.Value.
func (v *duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q: want a time, such as 30s", s)
	}
	*v = duration(d)
	return nil
}

// Type implements pflag.Value.
func (v *duration) Type() string { return "duration" }
