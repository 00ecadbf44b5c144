package fault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/fault"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text  string
		right func(fault.Rule) bool
	}{
		{"kind=close,api=GetClip,stream=door,at=64KiB,count=2", func(r fault.Rule) bool {
			return r.Kind == fault.Close && r.API == "GetClip" && r.Stream == "door" && r.At.Of(1<<20) == 65536 && r.Count == 2 && r.Chance == 1
		}},
		{" kind=stall, at=50% ,for=30s,skip=3,p=0.25", func(r fault.Rule) bool {
			return r.At.Of(1000) == 500 && r.For == 30*time.Second && r.Skip == 3 && r.Chance == 0.25
		}},
		{"kind=reset", func(r fault.Rule) bool { return !r.At.IsSet() }},
		{"kind=reset,at=0", func(r fault.Rule) bool { return r.At.IsSet() && r.At.Of(10) == 0 }},
		{"kind=close,at=1000", func(r fault.Rule) bool { return r.At.Of(10) == 10 }},
		{"kind=drip", func(r fault.Rule) bool { return r.Rate == 100 }},
		{"kind=drip,rate=2kB/s,at=1k", func(r fault.Rule) bool { return r.Rate == 2000 && r.At.Of(1<<20) == 1024 }},
		{"kind=status", func(r fault.Rule) bool { return r.Status == 500 }},
		{"kind=status,status=429", func(r fault.Rule) bool { return r.Status == 429 }},
		{"kind=length,by=-1000", func(r fault.Rule) bool { return r.Bytes == -1000 }},
		{"kind=length,by=+1kB", func(r fault.Rule) bool { return r.Bytes == 1000 }},
		{"kind=skew,by=-10m", func(r fault.Rule) bool { return r.Shift == -10*time.Minute }},
		{"kind=truncate", func(r fault.Rule) bool { return r.At.Of(100) == 50 }},
		{"kind=lie,what=overlap", func(r fault.Rule) bool { return r.What == fault.LieOverlap }},
		{"kind=refuse,api=ListStreams,for=5s", func(r fault.Rule) bool { return r.For == 5*time.Second }},
		{"kind=throttle,api=PutMedia", func(r fault.Rule) bool { return r.API == "PutMedia" }},
	} {
		got, err := fault.Parse(test.text)
		if err != nil || !test.right(got) || got.String() != strings.TrimSpace(test.text) {
			t.Errorf("%q: %+v, %v", test.text, got, err)
		}
	}
	for _, k := range fault.Kinds() {
		if _, err := fault.Parse("kind=" + string(k)); err != nil && !strings.Contains(err.Error(), "needs") {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"":                                 "KEY=VALUE",
		"close":                            "KEY=VALUE",
		"api=GetClip":                      "want one of aged, close",
		"kind=explode":                     "want one of",
		"kind=close,colour=red":            "no such key",
		"kind=close,at=1,at=2":             "twice",
		"kind=close,at=-1":                 "at: ",
		"kind=close,at=101%":               "0% to 100%",
		"kind=close,count=0":               "from 1",
		"kind=close,skip=-1":               "from 0",
		"kind=close,p=0":                   "more than 0",
		"kind=close,p=NaN":                 "more than 0",
		"kind=close,rate=1":                "takes no rate",
		"kind=stall,for=0s":                "want a time",
		"kind=status,status=200":           "400 to 599",
		"kind=length":                      "needs by",
		"kind=length,by=10m":               "want bytes",
		"kind=skew,by=1000":                "want a time",
		"kind=length,by=--1":               "want bytes or a time",
		"kind=lie,what=everything":         "want one of",
		"kind=lie,what=sizes,api=PutMedia": "GetClip only",
		"kind=missing,api=ListStreams":     "ListFragments only",
		"kind=refuse,stream=door":          "takes no stream",
		"kind=refuse,count=1":              "takes no count",
		"kind=html,api=PutMedia":           "not for PutMedia",
		"kind=close,api=PutMedia,at=1%":    "want bytes",
		"kind=failure,code=4006,at=50%":    "want bytes",
		"kind=failure":                     "needs code",
		"kind=failure,code=4013":           "4012",
		"kind=idle,api=GetClip":            "PutMedia only",
		"kind=drip,api=PutMedia":           "not for PutMedia",
	} {
		if got, err := fault.Parse(text); !errors.Is(err, fault.ErrRule) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v; want %q", text, got, err, says)
		}
	}
}
