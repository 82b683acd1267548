#include "decoder/copytext.h"
