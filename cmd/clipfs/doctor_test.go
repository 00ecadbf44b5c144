//go:build e2e

package main_test

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"
	main "clipfs/cmd/clipfs"
	"clipfs/cmd/clipfs/internal/doctor"
	"clipfs/cmd/internal/harness"
)

func TestDoctorHealthy(t *testing.T) {
	harness.NeedFUSE(t)
	patient(t)
	s := startService(t, recorded(t))
	r := examine(t, doctor.Host{}, "--endpoint-url", s.url)
	r.wantOnly(nil, nil)
	var checks []string
	for _, f := range r.Findings {
		checks = append(checks, f.Check)
	}
	want := []string{"fuse device", "fusermount3", "user_allow_other", "kernel", "passthrough", "cache filesystem", "cache directory", "cache space",
		"cache lock", "region", "endpoint", "clock", "credentials", "ListStreams", "DescribeStream", "GetDataEndpoint",
		"ListFragments", "clock of the cameras", "footage", "GetClip", "clip", "GetImages", "mount"}
	if !slices.Equal(checks, want) {
		t.Errorf("checks %q, want %q", checks, want)
	}
	r.want("ok", "credentials", "…5678", "Env", "account 0")
	r.want("ok", "region", "us-east-1")
	r.want("ok", "footage", "door") // the other stream has none
	r.want("ok", "clip", "H.264 320x180", "AAC")
	r.want("ok", "mount", "H.264 320x180", "unmounted")
	r.want("ok", "GetImages", "permitted: a picture of ")
	if n := s.emulator.Calls(); r.Images != 1 || !slices.ContainsFunc(n, func(c emulator.CallCount) bool { return c.API == wire.GetImages && c.Calls == 1 }) {
		t.Errorf("%d images, %v; want one GetImages call", r.Images, n)
	}
	if n := s.clips(); n != 1 || r.Clips != 1 || r.Bytes < 1000 || r.Bytes > 100_000 {
		t.Errorf("cost %d GetClip calls, said to be %d of %d bytes; want one short clip", n, r.Clips, r.Bytes)
	}
}

func TestDoctorInWords(t *testing.T) {
	harness.NeedFUSE(t)
	patient(t)
	s := startService(t, recorded(t))
	mountpoint := t.TempDir()
	if err := os.WriteFile(filepath.Join(mountpoint, "a file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := main.RunDoctor(t.Context(), doctor.Host{Self: harness.Binary(t)}, []string{"--endpoint-url", s.url, mountpoint}, &stdout, &stderr)
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wantLine(t, stderr.String(), "1 of 23 checks failed: mount")
	out := stdout.String()
	for _, want := range []string{"✓ clip ", "✗ mount ", mountpoint + " is not empty", "→ ", "Fetched: ", "in 1 GetClip calls, and 1 images"} {
		if !strings.Contains(out, want) {
			t.Errorf("does not say %q:\n%s", want, out)
		}
	}
	if strings.Count(out, "✓") != 22 || strings.Count(out, "✗") != 1 {
		t.Errorf("want 22 ticks and a cross:\n%s", out)
	}
}

// TestDoctorDenied: with each action denied in turn it is that one that is told, and the others are tried as far as they
// can be.
func TestDoctorDenied(t *testing.T) {
	patient(t)
	s := startService(t, recorded(t))
	noMount := doctor.Host{Device: "/nowhere/fuse"} // the mount is not what this is about
	behind := []string{"DescribeStream", "GetDataEndpoint", "ListFragments", "clock of the cameras", "footage", "GetClip", "clip", "GetImages", "mount"}
	for _, test := range []struct {
		action, code  string
		status        int
		args          []string
		failed, after []string
	}{
		{"ListStreams", "AccessDeniedException", http.StatusForbidden, nil, []string{"ListStreams"}, behind},
		{"ListStreams", "AccessDeniedException", http.StatusForbidden, []string{"--stream", "door"}, nil, behind[8:]},
		{"DescribeStream", "AccessDeniedException", http.StatusForbidden, nil, []string{"DescribeStream"}, behind[8:]},
		{"DescribeStream", "AccessDeniedException", http.StatusForbidden, []string{"--stream", "nobody"}, []string{"DescribeStream"}, behind[1:]},
		{"GetDataEndpoint", "NotAuthorizedException", http.StatusUnauthorized, nil, []string{"GetDataEndpoint"}, behind[2:]},
		{"ListFragments", "NotAuthorizedException", http.StatusUnauthorized, []string{"--stream", "door"}, []string{"ListFragments"}, []string{"clock of the cameras", "footage", "clip", "mount"}},
		{"GetClip", "AccessDeniedException", http.StatusForbidden, nil, []string{"GetClip"}, []string{"clip", "mount"}},
		{"GetImages", "AccessDeniedException", http.StatusForbidden, nil, []string{"GetImages"}, behind[8:]},
		{"GetImages", "AccessDeniedException", http.StatusForbidden, []string{"--stream", "door", "--stills", "off"}, nil, behind[8:]},
	} {
		t.Run(test.action+strings.Join(test.args, " "), func(t *testing.T) {
			s.refuse = func(api string) (int, string) {
				if api == test.action {
					return test.status, test.code
				}
				return 0, ""
			}
			r := examine(t, noMount, append([]string{"--endpoint-url", s.url}, test.args...)...)
			r.wantOnly(append([]string{"fuse device"}, test.failed...), test.after)
			switch {
			case len(test.failed) > 0:
				r.want("failed", test.action, "kinesisvideo:"+test.action, "IAM policy")
			case test.action == "GetImages":
				if slices.ContainsFunc(r.Findings, func(f doctorFinding) bool { return f.Check == "GetImages" }) {
					t.Error("GetImages is tried where stills are off")
				}
			default:
				r.want("ok", test.action, "not needed")
			}
		})
	}
}

func TestDoctorCredentials(t *testing.T) {
	patient(t)
	o := recorded(t)
	o.Credentials = wire.Credentials{Key: doctorKey, Secret: doctorSecret}
	s := startService(t, o)
	on := doctor.Host{Device: "/nowhere/fuse"}
	behind := []string{"ListStreams", "DescribeStream", "GetDataEndpoint", "ListFragments", "clock of the cameras", "footage", "GetClip", "clip", "GetImages", "mount"}
	t.Run("right", func(t *testing.T) {
		examine(t, on, "--endpoint-url", s.url).wantOnly([]string{"fuse device"}, []string{"mount"})
	})
	for name, test := range map[string]struct {
		env  map[string]string
		code string
		says []string
	}{
		"wrong secret": {env: map[string]string{"AWS_SECRET_ACCESS_KEY": doctorSecret + "?"}, says: []string{"…5678", "InvalidSignature"}},
		"wrong key":    {env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIDSOMEBODYELSE"}, says: []string{"…ELSE", "UnrecognizedClient"}},
		"expired":      {code: "ExpiredTokenException", says: []string{"…5678", "ExpiredToken", "renew"}},
		"none":         {env: map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, says: []string{"no AWS credentials", "AWS_PROFILE"}},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			s.refuse = func(string) (int, string) { return 0, "" }
			if test.code != "" {
				s.refuse = func(string) (int, string) { return http.StatusForbidden, test.code }
			}
			r := examine(t, on, "--endpoint-url", s.url)
			r.wantOnly([]string{"fuse device", "credentials"}, behind)
			r.want("failed", "credentials", test.says...)
		})
	}
	t.Run("no region", func(t *testing.T) {
		t.Setenv("AWS_REGION", "")
		r := examine(t, on, "--endpoint-url", s.url)
		r.wantOnly([]string{"fuse device", "region"}, append([]string{"endpoint", "clock", "credentials"}, behind...))
		r.want("failed", "region", "AWS_REGION")
	})
	t.Run("no such profile", func(t *testing.T) {
		t.Setenv("AWS_PROFILE", "nobody")
		examine(t, on, "--endpoint-url", s.url).want("failed", "region", "nobody", "AWS_PROFILE")
	})
}

func TestDoctorClock(t *testing.T) {
	patient(t)
	s := startService(t, recorded(t))
	for ahead, says := range map[time.Duration]string{10 * time.Minute: "behind", -10 * time.Minute: "ahead"} {
		s.ahead = ahead
		r := examine(t, doctor.Host{Device: "/nowhere/fuse"}, "--endpoint-url", s.url)
		r.want("failed", "clock", says, "ntp")
		r.want("ok", "clip") // the SDK makes up for it
	}
}

func TestDoctorStreams(t *testing.T) {
	patient(t)
	full := startService(t, recorded(t))
	empty := recorded(t)
	empty.Streams = empty.Streams[:1]
	bare := startService(t, empty)
	none := startService(t, emulator.Options{})
	forgetful := recorded(t)
	forgetful.Retention = emulator.NoRetention
	forgets := startService(t, forgetful)
	broken := startService(t, recorded(t))
	broken.media = func(b []byte) []byte { return bytes.Repeat([]byte("no MP4 "), len(b)/7) }
	cut := startService(t, recorded(t))
	cut.media = func(b []byte) []byte { return b[:len(b)/2] }
	for name, test := range map[string]struct {
		s      *service
		args   []string
		failed string
		says   []string
	}{
		"no streams":     {none, nil, "footage", []string{"no streams in us-east-1", "AWS_PROFILE"}},
		"no footage":     {bare, nil, "footage", []string{"none in attic", "PutMedia"}},
		"no retention":   {forgets, []string{"--stream", "door"}, "footage", []string{"door retains nothing", "UpdateDataRetention"}},
		"no such stream": {full, []string{"--stream", "cellar"}, "DescribeStream", []string{"cellar", "--stream"}},
		"no MP4":         {broken, nil, "GetClip", []string{"not a payload", "another stream"}},
		"half an MP4":    {cut, nil, "GetClip", []string{"not a payload", "another stream"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(t, doctor.Host{Device: "/nowhere/fuse"}, append([]string{"--endpoint-url", test.s.url}, test.args...)...)
			r.want("failed", test.failed, test.says...)
			failed := slices.DeleteFunc(slices.Clone(r.Findings), func(f doctorFinding) bool { return f.Status != "failed" })
			if len(failed) != 2 { // and the device
				t.Errorf("failed: %v, want %s alone", failed, test.failed)
			}
		})
	}
}

func TestDoctorUnreachable(t *testing.T) {
	patient(t)
	behind := []string{"clock", "credentials", "ListStreams", "DescribeStream", "GetDataEndpoint", "ListFragments", "clock of the cameras", "footage", "GetClip", "clip", "GetImages", "mount"}
	r := examine(t, doctor.Host{}, "--endpoint-url", nobodyListens(t))
	r.wantOnly([]string{"endpoint"}, behind)
	r.want("failed", "endpoint", "refused", "firewall")
	// It takes connections and never says a word.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	began := time.Now()
	r = examine(t, doctor.Host{}, "--endpoint-url", "http://"+silent.Addr().String(), "--timeout", "1s")
	r.wantOnly([]string{"endpoint"}, behind)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s with a time of 1 s a check", took)
	}
	// It answers strangers, and nobody who asks for something.
	s := startService(t, recorded(t))
	release := make(chan struct{})
	var asked atomic.Bool
	s.refuse = func(string) (int, string) {
		if asked.CompareAndSwap(false, true) {
			return http.StatusForbidden, "MissingAuthenticationTokenException"
		}
		<-release
		return 0, ""
	}
	t.Cleanup(func() { close(release) })
	r = examine(t, doctor.Host{}, "--endpoint-url", s.url, "--timeout", "2s")
	r.want("ok", "endpoint")
	r.want("failed", "ListStreams", "--timeout")
}

func TestDoctorHost(t *testing.T) {
	patient(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("#user_allow_other\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	endpoint := nobodyListens(t)
	const user = 1000
	for name, test := range map[string]struct {
		on     doctor.Host
		args   []string
		status string
		check  string
		says   []string
	}{
		"no device":            {doctor.Host{Device: "/nowhere/fuse"}, nil, "failed", "fuse device", []string{"/nowhere/fuse", "modprobe fuse"}},
		"a file":               {doctor.Host{Device: file}, nil, "failed", "fuse device", []string{file, "mknod"}},
		"no helper":            {doctor.Host{UID: user, Helper: "/nowhere/fusermount3"}, nil, "failed", "fusermount3", []string{"fuse3"}},
		"no helper as root":    {doctor.Host{Helper: "/nowhere/fusermount3"}, nil, "ok", "fusermount3", []string{"not needed"}},
		"helper not setuid":    {doctor.Host{UID: user, Helper: file}, nil, "failed", "fusermount3", []string{"setuid", "chmod u+s"}},
		"others not let in":    {doctor.Host{UID: user, Conf: file}, []string{"--allow-other"}, "failed", "user_allow_other", []string{file, "user_allow_other >>"}},
		"others not asked for": {doctor.Host{UID: user, Conf: file}, nil, "ok", "user_allow_other", []string{"only --allow-other"}},
		"old kernel":           {doctor.Host{Release: "4.19.0-26-amd64"}, nil, "failed", "kernel", []string{"4.19.0-26-amd64", "5.2"}},
		"kernel before 6.6":    {doctor.Host{Release: "6.1.0-18-amd64"}, nil, "ok", "kernel", []string{"6.6"}},
		"no passthrough":       {doctor.Host{Release: "6.8.0-31-generic"}, nil, "ok", "passthrough", []string{"no:", "6.9"}},
		"passthrough for root": {doctor.Host{UID: 1000, Release: "6.12.0"}, nil, "ok", "passthrough", []string{"no:", "CAP_SYS_ADMIN"}},
		"odd kernel":           {doctor.Host{Release: "custom"}, nil, "ok", "kernel", []string{"custom"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(t, test.on, append([]string{"--endpoint-url", endpoint}, test.args...)...)
			r.want(test.status, test.check, test.says...)
		})
	}
}

// TestDoctorTakesSettings: the doctor looks at the mount that the settings are of.
func TestDoctorTakesSettings(t *testing.T) {
	patient(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "clipfs.yaml")
	if err := os.WriteFile(path, []byte("cache-dir: "+filepath.Join(dir, "kept")+"\ncache-size: 3GiB\nallow-other: true\nconnections: 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := examine(t, doctor.Host{UID: 1000, Conf: path}, "--endpoint-url", nobodyListens(t), "--config", path)
	r.want("ok", "cache directory", filepath.Join(dir, "kept"), "will be made")
	r.want("ok", "cache space", "3GiB")
	r.want("failed", "user_allow_other", path)
}

// TestDoctorOfAMountThatRuns: on the mountpoint of a mount the clip is read through that, and its lock is told.
func TestDoctorOfAMountThatRuns(t *testing.T) {
	e := testcard(t)
	m := harness.StartMount(t, e)
	patient(t)
	t.Setenv("CLIPFS_TIMEZONE", "Asia/Tokyo") // of no matter, as all settings of a mount that is not the doctor's
	r := examine(t, doctor.Host{}, "--endpoint-url", e.Endpoint, "--cache-dir", m.Cache, m.Path)
	r.wantOnly(nil, nil)
	r.want("ok", "mount", "through the mount that runs on "+m.Path)
	r.want("ok", "cache lock", "in use by process")
	if !m.Mounted(t) {
		t.Error("the mount is gone after that")
	}
	t.Run("dead", func(t *testing.T) {
		dead := harness.StartMount(t, e)
		dead.Kill(t)
		r := examine(t, doctor.Host{}, "--endpoint-url", e.Endpoint, dead.Path)
		r.want("failed", "mount", dead.Path, "died", "clipfs umount "+dead.Path)
		harness.Run(t, harness.Binary(t), "umount", dead.Path)
	})
	if r.Clips != 1 || e.Calls(t, "GetClip") != 3 { // one of them the mount's own, one of the second run
		t.Errorf("%d GetClip calls, %d of them said to be those of its first run; want 3 and 1", e.Calls(t, "GetClip"), r.Clips)
	}
}

// TestDoctorOnFaults: the doctor finds what the emulator does wrong on purpose.
func TestDoctorOnFaults(t *testing.T) {
	patient(t)
	e := startService(t, recorded(t)).emulator
	post := func(t *testing.T, method, rule string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, e.Endpoint()+"/_emulator/faults", strings.NewReader(rule))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s", method, rule, answer.Status)
		}
	}
	for rule, test := range map[string]struct {
		check string
		says  []string
	}{
		"kind=expired":                     {"credentials", []string{"ExpiredToken", "renew"}},
		"kind=skew,by=10m":                 {"clock", []string{"10m0s behind"}},
		"kind=skew,by=-10m":                {"clock", []string{"10m0s ahead"}},
		"kind=denied,api=DescribeStream":   {"DescribeStream", []string{"kinesisvideo:DescribeStream", "IAM policy"}},
		"kind=denied,api=GetClip":          {"GetClip", []string{"kinesisvideo:GetClip", "IAM policy"}},
		"kind=denied,api=GetImages":        {"GetImages", []string{"kinesisvideo:GetImages", "IAM policy", "--stills off"}},
		"kind=aged":                        {"footage", []string{"none in attic and 1 other"}},
		"kind=deleted":                     {"DescribeStream", []string{"no such stream"}},
		"kind=garbage,api=GetClip":         {"GetClip", []string{"not a payload"}},
		"kind=truncate,api=GetClip,at=50%": {"GetClip", []string{"not a payload"}},
		"kind=html,api=GetClip":            {"GetClip", []string{"the answer is HTML, not media"}},
		"kind=stall,api=GetClip,at=50%":    {"clip", []string{"--timeout"}},
	} {
		t.Run(rule, func(t *testing.T) {
			post(t, http.MethodDelete, "")
			post(t, http.MethodPost, rule)
			r := examine(t, doctor.Host{Device: "/nowhere/fuse"}, "--endpoint-url", e.Endpoint(), "--timeout", "3s")
			r.want("failed", test.check, test.says...)
		})
	}
}
