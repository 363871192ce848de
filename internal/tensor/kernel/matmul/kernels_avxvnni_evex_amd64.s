//go:build !noasm && evexvnni

#include "textflag.h"
#include "evexvnni_amd64.h"
#include "kernels_avxvnni_amd64.h"
