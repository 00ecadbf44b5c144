#!/bin/sh
# Makes testcard.mkv: 60 s of H.264 and AAC that repeat without a seam. Needs ffmpeg (with libx264) and DejaVu Sans Mono.
#
# Video: 320x180, 25 fps, no B-frames, closed groups of 50 pictures (2 s). In large digits the second of the minute, below
# it the picture within the second, a bar that moves once across in 2 s, and at the bottom ten squares of 32 pixels:
#   white, black, the second in 6 bits (most significant first, 1 is white), odd parity of these 6, black.
# Audio: 32 kHz mono, so that a frame is 32 ms and a minute 1,875 frames. A low hum and a beep on every full second,
# higher on the full minute. Three minutes are coded and the middle one is kept: its first frame follows its last one as
# the coder would have made it, and the silence that a coder begins with is not in it. ADTS counts the coder's one frame
# of lead-in as time, hence 60.032 for 60.
set -eu
cd "$(dirname "$0")"
font=${FONT:-/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

second='mod(floor(n/25)\,60)'
bit() { # number of the square, value of the bit
	printf ",drawbox=x=%d:y=148:w=32:h=32:c=white:t=fill:enable='mod(floor(%s/%d)\,2)'" $(($1 * 32)) "$second" "$2"
}
ones="mod(floor($second/32)\,2)+mod(floor($second/16)\,2)+mod(floor($second/8)\,2)"
ones="$ones+mod(floor($second/4)\,2)+mod(floor($second/2)\,2)+mod($second\,2)"
picture="drawbox=x=0:y=148:w=320:h=32:c=black:t=fill,drawbox=x=0:y=148:w=32:h=32:c=white:t=fill"
picture="$picture$(bit 2 32)$(bit 3 16)$(bit 4 8)$(bit 5 4)$(bit 6 2)$(bit 7 1)"
picture="$picture,drawbox=x=256:y=148:w=32:h=32:c=white:t=fill:enable='1-mod($ones\,2)'"
picture="$picture,drawtext=fontfile=$font:fontcolor=white:fontsize=112:x=90:y=8:text='%{eif\:mod(floor(n/25)\,60)\:d\:2}'"
picture="$picture,drawtext=fontfile=$font:fontcolor=0xd0d0d0:fontsize=20:x=146:y=116:text='%{eif\:mod(n\,25)\:d\:2}'"

ffmpeg -v error -nostdin -y -f lavfi -i "color=c=0x203850:s=320x180:r=25:d=60" -f lavfi -i "color=c=0xe0a020:s=8x6:r=25:d=60" \
	-filter_complex "[0]$picture[p];[p][1]overlay=x='mod(n\,50)*6.4':y=140:eval=frame,format=yuv420p" \
	-c:v libx264 -threads 1 -preset veryslow -tune animation -profile:v main -crf 24 -bf 0 -g 50 -keyint_min 50 \
	-sc_threshold 0 -flags +cgop+bitexact -fflags +bitexact "$tmp/video.mkv"

ffmpeg -v error -nostdin -y -f lavfi -i "aevalsrc='0.05*sin(2*PI*110*t)+0.3*lt(mod(t\,1)\,0.08)*sin(2*PI*(880+880*lt(mod(t\,60)\,1))*t)':s=32000:d=180" \
	-c:a aac -b:a 20k -ac 1 -flags +bitexact -fflags +bitexact -f adts "$tmp/audio.aac"

ffmpeg -v error -nostdin -y -i "$tmp/video.mkv" -ss 60.032 -t 60 -i "$tmp/audio.aac" -map 0:v -map 1:a -c copy -bsf:a aac_adtstoasc \
	-flags +bitexact -fflags +bitexact -write_crc32 0 -cluster_time_limit 2000 testcard.mkv
