package mount

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

// capability is CAP_SYS_ADMIN, which mount(2) takes (capabilities(7)).
const capability = unix.CAP_SYS_ADMIN

// errNoCapability says what root lacks, which is how a container is as a rule.
var errNoCapability = errors.New("root lacks the capability CAP_SYS_ADMIN, which mounting takes: start the container with " +
	"--cap-add SYS_ADMIN (compose: cap_add; Kubernetes: privileged, or capabilities.add)")

// mayMount reports whether root has the capability to mount; true where that cannot be told.
func mayMount() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return true
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}

// container tells in which kind of container this process is, by what engines leave there; "" for none.
func container() string {
	for path, kind := range map[string]string{"/.dockerenv": "docker", "/run/.containerenv": "podman"} {
		if _, err := os.Lstat(path); err == nil {
			return kind
		}
	}
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return "kubernetes"
	}
	return os.Getenv("container") // systemd-nspawn, podman (systemd.io, CONTAINER_INTERFACE)
}

// warnUnseen warns where a mount made in a container will not be seen outside of it: the directory that is shared with the
// host would stay empty there, and nothing else would say why. On the host itself there is nothing to say.
func warnUnseen(mountpoint string, logger *slog.Logger) {
	if container() == "" {
		return
	}
	ours, err := mountinfo.List()
	if err != nil {
		return
	}
	if cause, remedy := unseen(mountpoint, ours, hostMounts()); cause != "" {
		logger.Warn("this mount is seen in this container only", "mountpoint", mountpoint, "cause", cause, "remedy", remedy)
	}
}

// hostMounts gives what the first process of the machine can see; nil where the container has process numbers of its own,
// so that this is not to be had.
func hostMounts() []mountinfo.Info {
	const kernelThreads = "/proc/2/comm" // only the machine's own numbering has them
	if comm, err := os.ReadFile(kernelThreads); err != nil || strings.TrimSpace(string(comm)) != "kthreadd" {
		return nil
	}
	mounts, err := mountinfo.ListOf(1)
	if err != nil {
		return nil
	}
	return mounts
}

// unseen tells why what is mounted at a path in a container does not spread to the host, and what to do; nothing if it
// does as far as can be told. The host's mounts may be nil: then they are not known.
func unseen(mountpoint string, ours, host []mountinfo.Info) (cause, remedy string) {
	under, err := mountinfo.Below(ours, filepath.Dir(mountpoint))
	if err != nil {
		return "", ""
	}
	switch {
	case under.Mountpoint == "/": // nothing of the host's is there: it is for the container alone
		return "", ""
	case under.Shared == 0:
		return "the volume " + under.Mountpoint + " is not shared in both directions",
			"give it propagation rshared (Kubernetes: mountPropagation: Bidirectional)"
	case host == nil:
		return "", ""
	}
	for _, info := range host {
		if info.Shared == under.Shared {
			return "", ""
		}
	}
	return "on the host the directory is not on a shared mount", "on the host: mount --make-rshared /"
}
