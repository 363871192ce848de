// Package pull downloads models.
//
// A name says where from ([Parse]): a file or a quantization of a repository of
// Hugging Face or a mirror of it, an address, or a model of Ollama's registry. It
// is resolved to files with sizes and checksums (a [Plan]); the headers of the
// files alone, a few megabytes, are read first, so that whether the model is
// supported, fits and how fast it will be is known before the gigabytes come
// ([Client.Preview]).
//
// A file is written as NAME.part and goes on where it ended, whatever ended it;
// it gets its name when its length and checksum are right. A lock keeps two
// programs from writing one file.
//
// Names, and whatever a server answers, are hostile: paths must stay below the
// folder of models, digests are compared and never used as paths, a key is sent
// to the host that it belongs to only, answers have bounds, and addresses must be
// https except on this machine.
package pull
