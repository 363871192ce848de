package probe

import (
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/par"
)

func TestReadSeesEveryByte(t *testing.T) {
	for _, n := range []int{512, 1024, 4096} {
		b := make([]byte, n)
		if got := read(b); got != 0 {
			t.Fatalf("read of %d zeros = %x", n, got)
		}
		// Only the low lanes come back, but each load must be there: a bit in any
		// lane of those is seen wherever it stands.
		for i := 0; i < n; i += 128 {
			b[i] = 1
			if read(b) == 0 {
				t.Errorf("read of %d bytes does not see byte %d", n, i)
			}
			if readGo(b) == 0 {
				t.Errorf("readGo of %d bytes does not see byte %d", n, i)
			}
			b[i] = 0
		}
	}
}

func TestRates(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for a second")
	}
	team := par.New(1)
	defer team.Close()
	m, err := NewMemory()
	if err != nil {
		t.Skip(err)
	}
	defer m.Close()
	if r := m.Read(team).Giga(); r < 0.1 || r > 2000 {
		t.Errorf("memory is read at %v GB/s", r)
	}
	for _, p := range Peaks(team) {
		if p.Rate.Giga() < 1 || p.Rate.Giga() > 1e6 {
			t.Errorf("%s %s: %v billion operations a second", p.Kind, p.Tier, p.Rate.Giga())
		}
		t.Logf("%s %s: %.0f G/s", p.Kind, p.Tier, p.Rate.Giga())
	}
}
