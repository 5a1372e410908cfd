#!/usr/bin/env python3
"""Makes the recordings of this folder with espeak-ng: speech whose text is known to the letter.

    samples/make.py                    samples/manual.flac and samples/dictation.mp3, each with its .txt
    samples/make.py --minutes 10 OUT   a long recording for the benchmark: OUT (.wav) and its .txt

Needs espeak-ng and ffmpeg and nothing else. The same versions of both give the same bytes: voices, pauses and
noise come from a seed. Each sentence is spoken on its own, so the pauses between sentences are ours (0.3 to 2 s),
and noise at -50 dB below full scale lies under everything, so that a pause is quiet and never digital silence.
"""
import argparse
import array
import io
import itertools
import pathlib
import random
import subprocess
import sys
import wave

HERE = pathlib.Path(__file__).resolve().parent
RATE_HZ = 22050  # what espeak-ng speaks at; ffmpeg takes it to 16 kHz
NOISE = 32768 * 10 ** (-50 / 20)

# Voice, words per minute, pitch, loudness, sentences. The text was written for this file.
MANUAL = [
    ("en-us", 160, 50, 0.8, [
        "This recording describes a small program that copies files from one machine to another.",
        "The program reads a list of names from the standard input.",
        "Each line of the list is the name of one file.",
        "If the file does not exist, an error message is printed and the next line is read.",
        "When the end of the list is reached, the program closes the connection and returns.",
        "The exit status is zero if all files were copied, and greater than zero if an error occurred.",
    ]),
    ("en-gb+f2", 165, 55, 0.7, [
        "Several options change how the files are written.",
        "By default, an existing file is not replaced.",
        "If this option is given, the old file is removed before the new one is created.",
        "The owner and the permissions of the file are set to those of the current user.",
        "The time of the last change is kept, unless the system does not support it.",
        "You can use a second option to print the name of each file before it is copied.",
    ]),
    ("en-gb-scotland+m3", 155, 45, 0.8, [
        "The configuration file is read when the program is started.",
        "It contains one setting on each line, and empty lines are ignored.",
        "A setting has a name and a value.",
        "The value may be a number, a string, or the name of a directory.",
        "If the same name is used more than once, the last value is used.",
        "Options given on the command line have a higher priority than the values in this file.",
    ]),
    ("en-us+f4", 170, 50, 0.6, [
        "The connection is made with a key that is stored in the home directory.",
        "If no key is found, the user is asked for a password.",
        "The password is never written to the disk.",
        "After three failed attempts, the server closes the connection and waits for one minute.",
        "You should change the key when it is known to another user.",
    ]),
    ("en-029+m1", 150, 45, 0.8, [
        "Large files are sent in blocks of a fixed size.",
        "The receiver checks each block and sends a message back.",
        "If a block is lost, it is sent again.",
        "The size of the block can be changed with an option, but the default value is good for most systems.",
        "When the network is slow, a smaller block may give a better result.",
        "The number of blocks that can be in memory at the same time is limited.",
    ]),
    ("en-gb-x-rp+f3", 160, 50, 0.7, [
        "All messages are written to the standard error output.",
        "A log file can be used for this as well.",
        "Each message in the log contains the date, the name of the process, and a short text.",
        "The log is closed and opened again when the process receives a signal.",
        "If the disk is full, the program stops and prints a warning.",
    ]),
    ("en-us-nyc", 165, 45, 0.8, [
        "This version does not support directories that contain other directories.",
        "Files with special names may not be copied on older systems.",
        "Please report other problems to the address at the end of this page.",
        "Thank you for reading this text to the end.",
    ]),
]
DICTATION = [
    ("en-gb", 160, 50, 0.8, [
        "To create a new user, open the file in the system directory.",
        "Add one line that contains the name, the group, and the home directory.",
        "The fields are separated by a single character.",
        "Do not change the first line, because it is used by the system.",
        "When you have finished, save the file and run the command again.",
        "The new user can then set a password.",
        "If the command fails, check the permissions of the directory.",
        "The default group is used when no other group is given.",
        "An administrator can remove the user at any time.",
    ]),
]
# The benchmark speaks the same sentences again and again, each time with the next voice of this list.
VOICES = [("en-us+m2", 160, 45), ("en-gb", 165, 50), ("en-us+f1", 155, 55), ("en-gb-scotland", 150, 50),
          ("en-gb-x-rp+m4", 165, 40), ("en-us+f5", 165, 50), ("en-gb+m7", 160, 45), ("en-us-nyc+f2", 155, 50),
          ("en-029", 150, 50), ("en-us+Andy", 160, 50), ("en-gb+linda", 155, 50)]


def speak(voice, speed, pitch, sentence):
    """One sentence as 16-bit samples at RATE_HZ, without the silence espeak-ng puts around it."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", sentence]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(data)) as clip:
        if clip.getframerate() != RATE_HZ or clip.getnchannels() != 1 or clip.getsampwidth() != 2:
            sys.exit(f"espeak-ng answered with {clip.getparams()}; 16-bit mono at {RATE_HZ} Hz was expected")
    samples = array.array("h", data[44:len(data) // 2 * 2])  # its header has no true length when it writes to a pipe
    loud = [i for i, x in enumerate(samples) if abs(x) > 50]
    return samples[loud[0]:loud[-1]] if loud else array.array("h")


def flat(passages):
    """One (voice, speed, pitch, loudness, sentence) after the other."""
    return [(*p[:4], sentence) for p in passages for sentence in p[4]]


def without_end(dice):
    """Sentences in an order of their own, twelve to a voice, for as long as somebody listens."""
    everything = [s for p in MANUAL + DICTATION for s in p[4]]
    for voice, speed, pitch in itertools.cycle(VOICES):
        dice.shuffle(everything)
        loudness = dice.uniform(0.4, 0.9)
        for sentence in everything[:12]:
            yield voice, speed, pitch, loudness, sentence


def render(sentences, dice, limit_s=float("inf")):
    """Speaks `sentences` with pauses and noise until they end or `limit_s` is passed.

    Returns 16-bit samples at RATE_HZ and the sentences spoken.
    """
    hiss = array.array("h", (int(dice.gauss(0, NOISE)) for _ in range(10 * RATE_HZ)))
    out = array.array("h")
    spoken, previous = [], None
    for voice, speed, pitch, loudness, sentence in sentences:
        if len(out) > limit_s * RATE_HZ:
            break
        pause_s = dice.uniform(0.3, 1.0) if voice == previous else dice.uniform(1.0, 2.0)
        out.extend([0] * int(pause_s * RATE_HZ))
        out.extend(int(x * loudness) for x in speak(voice, speed, pitch, sentence))
        spoken.append(sentence)
        previous = voice
    out.extend([0] * RATE_HZ)
    for i in range(len(out)):
        out[i] = max(-32768, min(32767, out[i] + hiss[i % len(hiss)]))
    return out, spoken


def write(path, samples, options):
    raw = subprocess.Popen(["ffmpeg", "-y", "-loglevel", "error", "-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1",
                            "-i", "-", "-ar", "16000", "-fflags", "+bitexact", "-map_metadata", "-1", *options,
                            str(path)], stdin=subprocess.PIPE)
    raw.communicate(samples.tobytes())
    if raw.returncode != 0:
        sys.exit(f"ffmpeg could not write {path}")


def make(path, sentences, dice, options, limit_s=float("inf")):
    samples, spoken = render(sentences, dice, limit_s)
    write(path, samples, options)
    path.with_suffix(".txt").write_text("".join(sentence + "\n" for sentence in spoken))
    print(f"{path.name}: {len(samples) / RATE_HZ:.1f} s, {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="make one recording at least this long instead")
    parser.add_argument("output", nargs="?", type=pathlib.Path, help="with --minutes: the .wav file to write")
    arguments = parser.parse_args()
    dice = random.Random(20)
    if arguments.minutes:
        if not arguments.output:
            parser.error("--minutes needs the file to write")
        make(arguments.output, without_end(dice), dice, ["-c:a", "pcm_s16le"], arguments.minutes * 60)
        return
    make(HERE / "manual.flac", flat(MANUAL), dice, ["-c:a", "flac", "-compression_level", "12"])
    make(HERE / "dictation.mp3", flat(DICTATION), dice, ["-c:a", "libmp3lame", "-b:a", "64k"])


if __name__ == "__main__":
    main()
