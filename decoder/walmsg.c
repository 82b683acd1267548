#include "decoder/walmsg.h"
