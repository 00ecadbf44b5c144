// Package packaging has what a package of clipfs consists of besides the program: the unit file clipfs@.service, an example of
// its settings, the scripts of the Debian package, and how nfpm puts it together (nfpm.yaml, run by .ci/package). There is
// no code here but tests.
package packaging
