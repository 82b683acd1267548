#include "sinks/log.h"
