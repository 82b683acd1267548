# The front door; CMakePresets.json and tests/run.sh say how each is done.
check:   ; cmake --preset ci && cmake --build --preset ci && ctest --preset ci
release: ; cmake --preset release && cmake --build --preset release --target millrace
format:  ; bash tests/format.sh
lint fuzz integration: ; bash tests/run.sh --only $@
.PHONY: check release format lint fuzz integration
