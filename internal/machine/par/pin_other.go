//go:build !linux

package par

// Pin does nothing on this system and reports false.
func (t *Team) Pin(bool) bool { return false }
