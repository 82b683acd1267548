#include "sinks/plain.h"
