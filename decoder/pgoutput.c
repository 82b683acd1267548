#include "decoder/pgoutput.h"
