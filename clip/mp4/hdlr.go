package mp4

import "bytes"

// handler is hdlr (ISO/IEC 14496-12 8.4.3): what the samples are, and a name for people.
type handler struct {
	kind FourCC
	name string
}

// parseHdlr reads the body of hdlr. A name as QuickTime writes it, with its length before it, is understood.
func parseHdlr(body []byte) (handler, error) {
	d := decoder{b: body}
	d.fullBox()
	quickTime := d.u32() != 0 // component type "mhlr", where ISO has pre_defined = 0
	h := handler{kind: FourCC(d.u32())}
	d.skip(12)
	if err := d.err(TypeHdlr); err != nil {
		return handler{}, err
	}
	name := d.b
	if quickTime && len(name) > 0 && int(name[0]) <= len(name)-1 {
		name = name[1 : 1+int(name[0])]
	}
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	h.name = string(name)
	return h, nil
}

// hdlr appends the box.
func (e *encoder) hdlr(h handler) {
	e.fullBox(TypeHdlr, 0, 0, func() {
		e.u32(0)
		e.code(h.kind)
		e.zeros(12)
		e.text(h.name)
		e.u8(0)
	})
}
