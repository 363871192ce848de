package check

import (
	"math"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

// Every tier that this machine has passes, the unverified ones too.
func TestTiersPass(t *testing.T) {
	for _, tier := range cpu.Tiers() {
		if err := Tier(tier); err != nil {
			t.Error(err)
		}
	}
	for _, im := range cpu.Impls() {
		if im.Supported && im.Verified && !im.On() {
			t.Errorf("tier %s is off afterwards", im.Name)
		}
	}
}

func TestTierThatIsNotThere(t *testing.T) {
	err := Tier("lasx2")
	if err == nil || !strings.Contains(err.Error(), "lasx2") {
		t.Errorf("got %v, want an error that names the tier", err)
	}
}

func TestDiffer(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		got, want float32
		limit     float64
		at        int
	}{
		{1, 1, 0, -1}, {1, math.Nextafter32(1, 2), 0, 0}, {1, 1.5, 0.5, -1}, {1, 1.5, 0.4, 0}, {nan, 1, 0.4, 0}, {1, nan, 0.4, 0},
	} {
		if at := differ([]float32{c.got}, []float32{c.want}, c.limit); at != c.at {
			t.Errorf("differ(%v, %v, %v) = %d, want %d", c.got, c.want, c.limit, at, c.at)
		}
	}
}
