// Package guard gives tests memory that ends where a kernel may not go on.
package guard
