package jinja

// Defaults of Options' limits.
const (
	DefaultMaxSteps = 8_000_000
	DefaultMaxBytes = 512 << 20
	maxText         = 64 << 20 // bytes of one string
	maxItems        = 1 << 20  // items of one list
	maxRange        = 100_000  // the sandbox's own limit on range()
	maxCalls        = 150      // calls within calls
)

// limits is what a rendering may still use.
type limits struct {
	steps int
	bytes int
}

// step charges n steps.
func (l *limits) step(n int) error {
	l.steps -= n
	if l.steps < 0 {
		return errorf(KindLimit, "the template takes too many steps")
	}
	return nil
}

// text charges for making a string of n bytes. It is asked before the string
// is made wherever its length depends on a number in the template.
func (l *limits) text(n int64) error {
	if n > maxText {
		return errorf(KindLimit, "a string of %d bytes: at most %d are allowed", n, maxText)
	}
	l.bytes -= int(max(n, 0))
	if l.bytes < 0 {
		return errorf(KindLimit, "the template makes too much text")
	}
	return nil
}

// items charges for making a list of n values.
func (l *limits) items(n int64) error {
	if n > maxItems {
		return errorf(KindLimit, "a list of %d items: at most %d are allowed", n, maxItems)
	}
	if err := l.text(16 * max(n, 0)); err != nil {
		return err
	}
	return l.step(int(max(n, 0)))
}

// grew stops a builder that has become too long. What is built is charged when
// it is done.
func (l *limits) grew(b *strBuilder) error {
	if b.len() > maxText || b.len() > l.bytes {
		return errorf(KindLimit, "the template makes too much text")
	}
	return l.step(1)
}
