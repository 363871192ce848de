//go:build !noasm && !evexvnni

#include "textflag.h"
#include "encodings_amd64.h"
#include "kernels_avxvnni_amd64.h"
