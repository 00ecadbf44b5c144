// Package config gives the flags of a command their values.
//
//	command line → environment → config file (--config) → what is known of the mount that is meant → default
//
// The first of them that has a value counts. A flag is bound to a variable of the caller (Size, Choice, List, …), so that what
// a command works with is plain data. Print shows all of it as a config file, with the origin of each value.
package config
