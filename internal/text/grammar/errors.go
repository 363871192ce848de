package grammar

import (
	"errors"
	"fmt"
)

// tooLarge makes an error that wraps ErrTooLarge.
func tooLarge(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrTooLarge}, args...)...)
}

// isEmpty reports whether an error says that nothing can match.
func isEmpty(err error) bool { return errors.Is(err, ErrEmpty) }

// errMarkup is for strings that the markup of calls cannot hold.
func errMarkup(what string) error {
	return fmt.Errorf("a string has %q, which the markup of calls cannot hold", what)
}
