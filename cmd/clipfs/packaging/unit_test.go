package packaging_test

import (
	"os"
	"strings"
	"testing"
)

// TestUnitKeepsTheMountVisible: none of the settings that give a service a mount namespace of its own (systemd.exec(5)), in which
// its mount would stay, and those that the watchdog and the end need.
func TestUnitKeepsTheMountVisible(t *testing.T) {
	text, err := os.ReadFile("clipfs@.service")
	if err != nil {
		t.Fatal(err)
	}
	settings := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			settings[key] = value
		}
	}
	for _, key := range []string{"RootDirectory", "RootImage", "MountFlags", "BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem",
		"MountImages", "ExtensionImages", "PrivateTmp", "PrivateDevices", "PrivateMounts", "PrivateUsers", "PrivateIPC", "ProtectSystem",
		"ProtectHome", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectProc",
		"ProcSubset", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths", "DynamicUser", "StateDirectory"} {
		if value, ok := settings[key]; ok {
			t.Errorf("%s=%s hides the mount from everybody else", key, value)
		}
	}
	for key, want := range map[string]string{"Type": "notify", "KillMode": "mixed", "Restart": "on-failure", "NoNewPrivileges": "yes"} {
		if settings[key] != want {
			t.Errorf("%s=%s, want %s", key, settings[key], want)
		}
	}
	if settings["WatchdogSec"] == "" || !strings.Contains(settings["DeviceAllow"], "/dev/fuse") {
		t.Error("no watchdog, or no FUSE device")
	}
}
