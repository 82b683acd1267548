#include "sinks/recorder.h"
