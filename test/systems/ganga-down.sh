#!/usr/bin/env bash
# Ganga has no daemon; its drivers end with the dflow that started them. The virtual environment stays for the next run.
exit 0
