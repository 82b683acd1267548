#include "sinks/kafka.h"
