#!/bin/sh
# Writes the small recordings of decode_test.cpp with the ffmpeg program: one second of a 440 Hz sine
# of amplitude 1/8 in each container. Run in this folder.
set -eu
sine="-f lavfi -i sine=frequency=440:duration=1:sample_rate"
video="-f lavfi -i color=c=blue:size=16x16:rate=5:duration=1"
make() { ffmpeg -v error -y -bitexact "$@"; }
make $sine=44100 -af "pan=stereo|c0=c0|c1=c0" -b:a 96k sine.mp3
make $sine=48000 -b:a 48k sine.m4a                     # the index (moov) lies at the end
make $sine=22050 -sample_fmt s16 sine.flac
make $sine=48000 -c:a libopus -b:a 32k sine.opus
make $video -c:v libvpx -b:v 20k silent.webm           # no sound
make $video $sine=32000 -c:v mpeg4 -c:a aac -b:a 48k both.mp4
make $sine=8000 -c:a pcm_mulaw mulaw.wav
