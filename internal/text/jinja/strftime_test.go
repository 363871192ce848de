package jinja

import (
	"testing"
	"time"
)

func TestStrftime(t *testing.T) {
	day := time.Date(2025, 2, 3, 9, 5, 7, 0, time.UTC)
	f := func(format, want string) {
		t.Helper()
		if got, err := strftime(day, format); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", format, got, err, want)
		}
	}
	f("%Y-%m-%d %H:%M:%S", "2025-02-03 09:05:07")
	f("%d %b %Y|%B %-d, %Y|%A %a", "03 Feb 2025|February 3, 2025|Monday Mon")
	f("%j %U %W %V %G %u %w", "034 05 05 06 2025 1 1")
	f("%I %l %p %_d %e %^b %y%%", "09  9 AM  3  3 FEB 25%")
	f("100% %q %", "100% %q %")
	if _, err := renderText("{{ strftime_now('%Y') }}", NewDict()); err != nil {
		t.Error(err)
	}
	tmpl, err := Parse("x", "{{ strftime_now('%Y') }}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.RenderText(NewDict(), Options{}); KindOf(err) != KindRuntime {
		t.Errorf("without a clock: %v", err)
	}
}
