import type { Language } from '../language.ts'

/** What people write in Spanish. */
export const spanish: Language = {
  space: ' ',
  update: 'Actualización tras {days} días:',
  tones: {
    1: {
      titles: ['No lo compren', '¡Qué desastre!'],
      sentences: [
        'El {product} llegó roto.',
        'A los {days} días dejó de funcionar.',
        'Nadie contesta en atención al cliente.',
        'Dinero tirado a la basura.',
      ],
    },
    2: {
      titles: ['Decepcionado', 'Esperaba más'],
      sentences: [
        'En la foto parece mucho mejor.',
        'Funciona, pero hace un ruido extraño.',
        'El plástico se nota muy fino.',
        'Al menos el envío fue rápido.',
      ],
    },
    3: {
      titles: ['Normalito', 'Ni fu ni fa'],
      sentences: [
        'Cumple, sin más.',
        'Después de {days} días sigo sin decidirme.',
        'El tamaño está bien; el color, regular.',
        'Para la casa de la playa me sirve.',
      ],
    },
    4: {
      titles: ['Buena compra', 'Casi perfecto'],
      sentences: [
        'El {product} hace justo lo que promete.',
        'Le quito una estrella por las instrucciones.',
        'Silencioso y fácil de limpiar.',
        'Mi cuñada ya ha pedido otro.',
      ],
    },
    5: {
      titles: ['¡Me encanta!', 'Imprescindible', '¿Por qué no lo compré antes?'],
      sentences: [
        'Lo uso a diario desde hace {days} días y está como nuevo.',
        'El {product} es aún más bonito al natural.',
        'Montarlo fue cosa de niños.',
        'Toda la familia está contenta.',
        'Volvería a comprarlo mañana mismo.',
      ],
    },
  },
}
