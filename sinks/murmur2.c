#include "sinks/murmur2.h"
