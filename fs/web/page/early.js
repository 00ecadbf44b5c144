// Before anything is drawn: whether the address is of two cameras, so that nothing moves when the other one comes.
document.documentElement.classList.toggle('two', /[#&]with=[^&]/.test(location.hash));
